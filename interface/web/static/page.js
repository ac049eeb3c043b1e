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
document.addEventListener("submit", ({ target, submitter }) => {
  const method = submitter?.hasAttribute("formmethod") ? submitter.formMethod : target.method;
  if (method !== "get") return;
  target.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (value === "" || value instanceof File) formData.delete(name);
  }, { once: true });
});

for (const form of document.querySelectorAll("form[data-submit-on-change]")) {
  form.querySelector("button").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}

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

// PDFs that are chosen or dropped are sent one after the other, each with its progress
const upload = document.querySelector("form[data-upload]");
if (upload) {
  const file = upload.querySelector("input[type=file]");
  upload.querySelector("button").hidden = true;
  let turn = Promise.resolve();
  const take = (files) => {
    for (const each of files) turn = turn.then(() => send(each));
  };
  const send = (each) => new Promise((done) => {
    const line = upload.querySelector(".sending").appendChild(document.createElement("li"));
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", `Upload of ${each.name}`);
    const note = document.createElement("span");
    line.append(bar, ` ${each.name} `, note);
    const request = new XMLHttpRequest();
    request.upload.onprogress = (event) => { bar.max = event.total; bar.value = event.loaded; };
    request.onloadend = () => {
      bar.remove();
      note.textContent = answer(request);
      note.className = request.status < 300 && request.status ? "dim" : "alert";
      htmx.trigger("#rows", "refresh");
      done();
    };
    const form = new FormData();
    form.append("owner", upload.elements.owner.value);
    form.append("file", each, each.name);
    request.open("POST", upload.action);
    request.send(form);
  });
  const answer = (request) => {
    if (request.status === 202) return "is stored and will be processed";
    if (request.status === 200) return "was already here";
    try {
      const problem = JSON.parse(request.responseText);
      return [problem.detail || problem.title, problem.advice].filter(Boolean).join(" ");
    } catch { return "The service did not answer; try again."; }
  };
  file.addEventListener("change", () => { take([...file.files]); file.value = ""; });
  onDrop(upload, take);
}

// keys of the review page: a letter presses its button, follows its link, or goes to its field
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const found = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!found) return;
  event.preventDefault();
  found.matches("input") ? found.focus() : found.click();
});
