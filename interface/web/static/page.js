// Small helps for people with a script; each form and link also works without it.
"use strict";

// a picture that is dropped or pasted anywhere on the search page is searched with
const search = document.querySelector("form[data-drop]");
if (search) {
  const file = search.querySelector("input[type=file]");
  const send = search.querySelector("button[data-picture]");
  send.hidden = true;
  const take = (files) => {
    const picture = [...files].find((each) => each.type.startsWith("image/"));
    if (!picture) return;
    const list = new DataTransfer();
    list.items.add(picture);
    file.files = list.files;
    search.requestSubmit(send);
  };
  file.addEventListener("change", () => file.files.length && search.requestSubmit(send));
  document.addEventListener("paste", (event) => take(event.clipboardData.files));
  onDrop(document.body, take);
  for (const each of search.querySelectorAll("input[name=by]"))
    each.addEventListener("change", () => search.requestSubmit());
}

// what a form has no value for is left out of the address
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData])
    if (value === "" || value instanceof File) event.formData.delete(name);
});

for (const form of document.querySelectorAll("form[data-submit-on-change]"))
  form.addEventListener("change", () => form.requestSubmit());

function onDrop(element, take) {
  element.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    element.classList.add("dropping");
  });
  element.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null || !element.contains(event.relatedTarget)) element.classList.remove("dropping");
  });
  element.addEventListener("drop", (event) => {
    element.classList.remove("dropping");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });
}
