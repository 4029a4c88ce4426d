// Dragging across a chart asks for the days under it. Without this there are two fields for days, and a button.
const form = document.querySelector("form[data-usage]");

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
