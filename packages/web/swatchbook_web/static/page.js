// Small helps for people with a script; each form and link also works without it.
"use strict";

// a picture that is dropped or pasted anywhere on the search page is searched with
const search = document.querySelector("form[data-drop]");
if (search) {
  const file = search.querySelector("input[type=file]");
  const send = search.querySelector("button[data-picture]");
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

// a picture of a grid opens large over it; its page is one link away, and closing leads back to where one was
const viewer = document.querySelector("[data-viewer]") && document.querySelector("dialog.viewer");
if (viewer) {
  const [image, facts, before, after, shut] = ["img", ".facts-of", ".before", ".after", ".shut"]
    .map((each) => viewer.querySelector(each));
  let grid = null, at = null;
  const links = () => [...grid.querySelectorAll("a[data-picture-of]")];
  const show = (link) => {
    at = link;
    const all = links(), place = all.indexOf(link), card = link.closest(".card");
    image.src = `/images/${link.dataset.pictureOf}/thumbnail?side=768`;
    image.alt = link.querySelector("img").alt;
    const copy = card.querySelector(".about").cloneNode(true);
    for (const each of copy.querySelectorAll("details, form, .match")) each.remove();
    const page = document.createElement("a");
    page.className = "button";
    page.href = link.href;
    page.textContent = "Open its page";
    facts.replaceChildren(copy, page);
    const more = grid.querySelector(".more");
    if (more && place >= all.length - 4) htmx.trigger(more, "more");
    before.disabled = place === 0;
    after.disabled = place === all.length - 1 && !more;
  };
  const step = (by) => {
    const link = links()[links().indexOf(at) + by];
    if (link) show(link);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-picture-of]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    grid = link.closest("[data-viewer]");
    show(link);
    viewer.showModal();
    after.focus();
  });
  before.addEventListener("click", () => step(-1));
  after.addEventListener("click", () => step(1));
  shut.addEventListener("click", () => viewer.close());
  viewer.addEventListener("click", (event) => event.target === viewer && viewer.close());
  viewer.addEventListener("close", () => { at.scrollIntoView({ block: "nearest" }); at.focus(); });
  viewer.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    step(by);
  });
}

// a picture that a busy service could not make in time is asked for again
document.addEventListener("error", ({ target }) => {
  if (!target.matches?.("img, image")) return;
  const tries = Number(target.dataset.tries || 0) + 1, name = target.matches("img") ? "src" : "href";
  target.dataset.tries = tries;
  if (tries < 4) setTimeout(() => target.setAttribute(name, target.getAttribute(name)), 3000 * tries);
  else target.alt ||= "The picture could not be loaded.";
}, true);

// Escape leaves the drawer of filters of a small window
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && location.hash === "#filters") location.hash = "#main";
});

// what a form has no value for is left out of the address
document.addEventListener("submit", ({ target, submitter }) => {
  const method = submitter?.hasAttribute("formmethod") ? submitter.formMethod : target.method;
  if (method !== "get") return;
  target.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (value === "" || value instanceof File) formData.delete(name);
  }, { once: true });
});

for (const form of document.querySelectorAll("form[data-submit-on-change]"))
  form.addEventListener("change", () => form.requestSubmit());

for (const each of document.querySelectorAll(".slider input"))
  each.addEventListener("input", () => { each.nextElementSibling.value = each.value; });

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
    take(event.dataTransfer.files, event.dataTransfer.items);
  });
}

// parts of a page that show documents ask again when something has changed
const refresh = () => {
  for (const each of document.querySelectorAll("[data-live]")) htmx.trigger(each, "refresh");
};
if (document.querySelector("[data-live]")) {
  const owner = new URLSearchParams(location.search).get("owner");
  let seen, waits = false;
  const asking = setInterval(async () => {
    if (document.hidden || waits) return;
    waits = true;
    const answer = await fetch("/ui/changes" + (owner ? `?owner=${encodeURIComponent(owner)}` : "")).catch(() => null);
    waits = false;
    if (!answer?.ok) return;  // the service is away: what the page shows still holds
    const now = await answer.text();
    if (now !== seen) refresh();  // also at first: the page may be older
    seen = now;
  }, 2_000);
  // what a form deletes must not be asked for again before its answer comes
  document.addEventListener("submit", ({ target }) => target.method === "post" && clearInterval(asking));
}

// what is chosen or dropped is sent one after the other, each with its progress; all pictures have one
const upload = document.querySelector("form[data-upload]");
if (upload) {
  const file = upload.querySelector("input[type=file]");
  let turn = Promise.resolve(), sending = 0;
  const plans = [];  // pages on which a person looks how a file of items is read
  addEventListener("beforeunload", (event) => { if (sending) event.preventDefault(); });
  const queue = (send) => {
    sending += 1;
    turn = turn.then(send).finally(() => {
      sending -= 1;
      if (!sending && plans.length === 1 && !upload.querySelector(".sending .alert")) location.assign(plans[0]);
      else refresh();
    });
  };
  const take = (files) => {
    const pictures = [];
    for (const each of files) {
      if (each.type.startsWith("image/")) pictures.push(each);
      else if (/\.pdf$/i.test(each.name) || each.type === "application/pdf") queue(line(each.name, (tell) => sendPdf(each, tell)));
      else queue(line(each.name, (tell) => sendOthers([each], tell)));
    }
    if (pictures.length) queue(line("pictures", (tell) => sendOthers(pictures, tell)));
  };
  const line = (name, send) => {
    const shown = upload.querySelector(".sending").appendChild(document.createElement("li"));
    const bar = document.createElement("progress"), note = document.createElement("span");
    bar.setAttribute("aria-label", `Upload of ${name}`);
    shown.append(bar, ` ${name} `, note);
    return async () => {
      const [good, text, plan] = await send((done, total) => { bar.max = total; bar.value = done; });
      bar.remove();
      note.textContent = text;
      note.className = good ? "dim" : "alert";
      if (!plan) return;
      const look = document.createElement("a");
      look.href = plan;
      look.textContent = "Check how it is read";
      shown.append(" ", look);
      plans.push(plan);
    };
  };
  const sendPdf = async (each, tell) => {
    const request = await post("/documents", { file: each }, tell);
    if (request.status === 202) return [true, "is stored and will be processed"];
    return request.status === 200 ? [true, "was already here"] : [false, problem(request)];
  };
  const sendOthers = async (files, tell) => {
    const refused = [];
    for (const [number, each] of files.entries()) {
      const request = await post("/ui/uploads/files", { file: each });
      if (request.status === 200) return [true, "is not started yet.", JSON.parse(request.responseText).plan];
      if (request.status !== 204) refused.push(`${each.name}: ${problem(request)}`);
      tell(number + 1, files.length);
    }
    const lost = refused.length ? ` ${refused.length} of ${files.length} files were refused. ${refused[0]}` : "";
    if (refused.length === files.length) return [false, lost];
    const request = await post("/ui/uploads", {});
    return request.status < 300 ? [!lost, `is stored and will be processed.${lost}`] : [false, problem(request)];
  };
  const post = (address, fields, tell) => new Promise((done) => {
    const request = new XMLHttpRequest(), form = new FormData();
    if (tell) request.upload.onprogress = (event) => tell(event.loaded, event.total);
    request.onloadend = () => done(request);
    form.append("owner", upload.elements.owner.value);
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    request.open("POST", address);
    request.send(form);
  });
  const problem = (request) => {
    try {
      const told = JSON.parse(request.responseText);
      return [told.detail || told.title, told.advice].filter(Boolean).join(" ");
    } catch { return "The service did not answer; try again."; }
  };
  file.addEventListener("change", () => { take([...file.files]); file.value = ""; });
  onDrop(upload, (files, items) => {
    const folders = [...items].map((each) => each.webkitGetAsEntry?.()).filter((each) => each?.isDirectory);
    for (const { name } of folders) queue(line(name, async () => [false, "is a folder. Send its files, or use `swatchbook ingest`."]));
    take([...files].filter((each) => !folders.some(({ name }) => name === each.name)));
  });
}

// what was done is said once: a page that is loaded again, or gone back to, does not repeat it
const toast = document.querySelector(".toast");
if (toast) {
  const close = toast.querySelector("[data-close]");
  history.replaceState(history.state, "", close.getAttribute("href") + location.hash);
  const hide = () => toast.remove();
  close.addEventListener("click", (event) => { event.preventDefault(); hide(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  const wait = () => setTimeout(() => { toast.matches(":hover, :focus-within") ? wait() : hide(); }, 20_000);
  wait();
}

// keys of a page: a key presses its button, follows its link, or goes to its field
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const found = document.querySelector(`[data-key~="${CSS.escape(event.key)}"]`);
  if (!found) return;
  event.preventDefault();
  found.matches("input") ? found.focus() : found.click();
});
