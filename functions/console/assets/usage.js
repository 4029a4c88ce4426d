// The field for a key becomes a list that follows what is typed, and choosing a key acts at once; dragging across a chart asks for the days
// under it. Without this it is a field that takes a name or an ID, two for days, and a button.
const field = document.getElementById("f-find"), form = document.querySelector("form[data-usage]");
const say = document.getElementById("say");

// What is empty says nothing in an address.
form.addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) if (!value) formData.delete(name);
});

const { find, all, none, count } = field.parentElement.dataset;
const { key, was } = form.elements;
const list = document.createElement("ul");
let wait, latest = 0, active = -1;

list.id = "found";
list.role = "listbox";
list.hidden = true;
list.setAttribute("aria-label", field.labels[0].textContent);
field.parentElement.append(list);
field.removeAttribute("list");
for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", list.id], ["aria-autocomplete", "list"]]) field.setAttribute(name, value);

function open(yes) {
  list.hidden = !yes;
  field.setAttribute("aria-expanded", String(yes));
  mark(-1);
}

function mark(i) {
  active = i;
  field.removeAttribute("aria-activedescendant");
  [...list.querySelectorAll("[role=option]")].forEach((option, n) => {
    option.setAttribute("aria-selected", String(n === i));
    if (n !== i) return;
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  });
}

function choose(option) {
  key.value = option.dataset.id;
  field.value = was.value = option.dataset.id ? option.dataset.name : "";
  if (!key.value) was.value = "";
  form.requestSubmit();
}

function option(id, name, preview, n) {
  const item = document.createElement("li"), text = document.createElement("bdi");
  Object.assign(item, { id: `found-${n}`, role: "option" });
  Object.assign(item.dataset, { id, name });
  text.textContent = name;
  item.append(text);
  if (preview) item.append(Object.assign(document.createElement("code"), { textContent: preview }));
  item.addEventListener("click", () => choose(item));
  return item;
}

async function suggest(text) {
  const mine = ++latest;
  let found;
  try {
    const answer = await fetch(`${find}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
    found = answer.ok && (await answer.json());
  } catch { /* the form finds it too */ }
  if (!found || mine !== latest || document.activeElement !== field) return;
  const options = found.map((one, n) => option(one.id, one.name, one.preview, n + 1));
  if (!text) options.unshift(option("", all, "", 0));
  list.replaceChildren(...options);
  if (!found.length) list.append(Object.assign(document.createElement("li"), { className: "empty", textContent: none }));
  open(true);
  say.textContent = found.length ? `${count} ${found.length}` : none;
}

field.addEventListener("focus", () => field.select());
field.addEventListener("click", () => { if (list.hidden) suggest(""); });
field.addEventListener("input", () => {
  open(false); // it is about what was there before
  clearTimeout(wait);
  wait = setTimeout(() => suggest(field.value.trim()), 150);
});
field.addEventListener("blur", () => open(false));
list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
field.addEventListener("keydown", (event) => {
  const options = list.querySelectorAll("[role=option]");
  const to = { ArrowDown: active + 1, ArrowUp: active < 0 ? options.length - 1 : active - 1 }[event.key];
  if (event.key === "Escape" && !list.hidden) {
    event.preventDefault();
    open(false);
  } else if (event.key === "Enter" && !list.hidden && active >= 0) {
    event.preventDefault();
    choose(options[active]);
  } else if (to !== undefined) {
    event.preventDefault();
    if (list.hidden) suggest(field.value === was.value ? "" : field.value.trim());
    else mark(Math.max(-1, Math.min(options.length - 1, to)));
  }
});

let held = null, zoomed = false;
const band = Object.assign(document.createElement("div"), { className: "band" });

function bar(event) {
  const { left, width } = held.frame.getBoundingClientRect();
  return Math.max(0, Math.min(held.count - 1, Math.floor(((event.clientX - left) / width) * held.count)));
}

const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);

document.addEventListener("pointerdown", (event) => {
  zoomed = false;
  const frame = event.pointerType === "mouse" && !event.button && event.target.closest(".frame");
  if (!frame) return;
  held = { frame, count: frame.closest(".chart").dataset.values.split(" ").length };
  held.from = held.to = bar(event);
});
document.addEventListener("pointermove", (event) => {
  if (!held) return;
  held.to = bar(event);
  const first = Math.min(held.from, held.to), bars = Math.abs(held.from - held.to) + 1;
  if (bars < 2) return band.remove();
  band.style.insetInlineStart = `${(100 * first) / held.count}%`;
  band.style.inlineSize = `${(100 * bars) / held.count}%`;
  held.frame.append(band);
});
document.addEventListener("pointercancel", () => { held = null; band.remove(); });
document.addEventListener("pointerup", () => {
  if (!held) return;
  const { frame, from, to, count } = held, { start, step } = frame.closest(".charts").dataset;
  held = null;
  band.remove();
  const begin = (i) => +start + i * step, last = (i) => day(begin(i + 1) - 1);
  const days = [day(begin(Math.min(from, to))), last(Math.max(from, to))];
  zoomed = from !== to;
  if (!zoomed || (days[0] === day(begin(0)) && days[1] === last(count - 1))) return; // all of it is shown
  const today = day(Date.now() / 1000);
  [form.elements.from.value, form.elements.to.value] = [days[0], days[1] > today ? today : days[1]];
  form.elements.range?.remove();
  form.elements.by.value = "";
  form.requestSubmit();
});
document.addEventListener("click", (event) => { if (zoomed && event.target.closest(".frame")) event.stopPropagation(); }, true);
document.addEventListener("dragstart", (event) => { if (event.target.closest(".frame")) event.preventDefault(); });
