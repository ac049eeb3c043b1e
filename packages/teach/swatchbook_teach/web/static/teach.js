// a part of a text that is dragged over is meant alone; what the service refuses is said above the page
const lesson = document.querySelector("form#teach");
if (lesson) {
  let begun = null, dragged = false;
  // how far along its letters a text is pointed at; the page may have to be turned to read it
  const along = (text, { clientX, clientY }) => {
    const { left, right, top, bottom, width, height } = text.getBoundingClientRect();
    const pixels = { 90: bottom - clientY, 180: right - clientX, 270: clientY - top }[text.dataset.turn] ?? clientX - left;
    return { pixels, share: pixels / (text.dataset.turn % 180 ? height : width) };
  };
  lesson.addEventListener("pointerdown", (event) => {
    dragged = false;
    const text = event.target.closest("[data-text]");
    begun = text && !event.button && event.pointerType !== "touch" ? [text, along(text, event)] : null;
  });
  addEventListener("pointerup", (event) => {
    if (!begun) return;
    const [text, from] = begun, to = along(text, event);
    begun = null;
    dragged = Math.abs(to.pixels - from.pixels) > 8;
    if (!dragged) return;
    const all = text.dataset.text, [first, last] = [from, to]
      .map(({ share }) => share * all.length).sort((a, b) => a - b);
    const words = [...all.matchAll(/\S+/g)].filter(({ 0: word, index }) => index + word.length > first && index < last);
    lesson.elements.clicked.value = words.map(({ 0: word }) => word).join(" ");
    lesson.requestSubmit(text);
  });
  lesson.addEventListener("click", (event) => {
    if (!dragged || !event.target.closest("[data-text]")) return;
    dragged = false;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  // a picture or one cell is a box that is dragged, or two opposite corners that are clicked or touched
  const draws = () => ["picture", "cell"].includes(lesson.elements.mode.value);
  const onSheet = ({ target }) => draws() && target.closest?.(".sheet.taught");
  const problem = document.querySelector("#problem");
  let corner = null, from = null, pressed = null, moved = false;
  const point = ({ clientX, clientY }) => {
    const sheet = lesson.querySelector(".sheet.taught"), { width, height } = sheet.viewBox.baseVal;
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(sheet.getScreenCTM().inverse());
    return [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
  };
  const box = ([a, b], [c, d]) => [a < c ? a : c, b < d ? b : d, a < c ? c : a, b < d ? d : b];
  const outline = (first, second, margin = 0) => {
    const [x0, y0, x1, y1] = first ? box(first, second) : [0, 0, 0, 0], rect = lesson.querySelector(".drawing");
    const sides = { x: x0 - margin, y: y0 - margin, width: x1 - x0 + 2 * margin, height: y1 - y0 + 2 * margin };
    for (const [name, value] of Object.entries(sides)) rect.setAttribute(name, value);
  };
  const forget = () => { corner = from = null; outline(); lesson.querySelector("#corner").textContent = ""; };
  const send = (first, second) => {
    const sides = box(first, second);
    forget();
    if (sides[2] - sides[0] < 5 || sides[3] - sides[1] < 5) {
      problem.textContent = "The box is too small: drag from one corner to the opposite one.";
      return;
    }
    for (const [n, name] of ["x0", "y0", "x1", "y1"].entries()) lesson.elements[name].value = sides[n].toFixed(1);
    lesson.elements.draw.click();
  };
  lesson.addEventListener("pointerdown", (event) => {
    if (event.button || !onSheet(event)) return;
    [from, pressed, moved] = [point(event), [event.clientX, event.clientY], false];
  });
  addEventListener("pointermove", (event) => {
    if (!from) return;
    moved ||= Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 8;
    if (moved) outline(from, point(event));
  });
  addEventListener("pointerup", (event) => {
    if (!from) return;
    const [begin, end] = [from, point(event)];
    from = null;
    if (moved) send(begin, end);
    else if (corner) send(corner, end);
    else {
      corner = end;
      outline(corner, corner, 3);
      problem.textContent = "";
      lesson.querySelector("#corner").textContent = "Now the opposite corner.";
    }
  });
  addEventListener("pointercancel", () => { from = null; });  // the page is scrolled: a first corner stays
  document.addEventListener("keydown", (event) => event.key === "Escape" && (corner || from) && forget());
  for (const kind of ["dragstart", "mousedown"])  // neither dragged by the browser, nor its button for the form
    lesson.addEventListener(kind, (event) => onSheet(event) && event.preventDefault());
  lesson.addEventListener("click", (event) => {  // a key that presses a picture's button gives its numbers instead
    if (!event.detail || !onSheet(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  lesson.addEventListener("change", ({ target }) => target.name === "mode" && forget());
  lesson.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.closest(".numbers input")) return;
    event.preventDefault();
    lesson.elements.draw.click();
  });
  lesson.addEventListener("htmx:afterSwap", () => { corner = from = null; });
  lesson.addEventListener("htmx:afterRequest", ({ detail }) => {
    lesson.elements.clicked.value = "";
    const answer = detail.successful ? null : new DOMParser().parseFromString(detail.xhr.responseText, "text/html");
    problem.textContent =
      answer ? answer.querySelector("main p")?.textContent || "The service did not answer; try again." : "";
  });
}
