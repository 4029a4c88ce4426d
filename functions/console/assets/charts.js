// Charts answer to pointers, fingers and keys: a cursor with every value, a click to hours or days, a legend that hides series.
const page = document.documentElement, comma = page.lang === "ar" ? "، " : ", ", lang = `${page.lang}-u-nu-latn`;
const number = new Intl.NumberFormat(lang), percent = new Intl.NumberFormat(lang, { style: "percent", minimumFractionDigits: 1 });

// As the server's scale: tenths of a power of ten, and how many parts.
const rounds = [[10, 2], [15, 3], [20, 2], [25, 5], [30, 3], [40, 4], [50, 5], [60, 3], [80, 4]];
function round(n) {
  if (n <= 1) return [1, 1];
  for (let scale = 1; ; scale *= 10) {
    for (const [tenths, parts] of rounds) {
      const top = (tenths * scale) / 10;
      if (top % 1 === 0 && n <= top) return [top, parts];
    }
  }
}

const make = (tag, className, ...inside) => {
  const e = Object.assign(document.createElement(tag), { className });
  e.append(...inside);
  return e;
};

function figure(element) {
  const find = (what) => element.querySelector(what), scale = find(".scale"), line = find("path.before");
  const read = (text) => parseInt(text, 36) || 0, before = line ? element.dataset.before.split(" ").map(read) : [];
  const values = element.dataset.values.split(" ").map((bar) => bar.split(",").map(read));
  const series = [...element.querySelectorAll("[data-series]")].map((li) => ({ li, name: li.dataset.series, text: li.textContent, shown: true }));
  find(".tips")?.remove();

  function draw() {
    const sums = values.map((bar, n, all, sum = 0) => series.map((s, i) => (sum += (s.shown && bar[i]) || 0)));
    const [top, parts] = round(Math.max(...before, ...sums.flat())), part = 200 / parts;
    const [left, right] = values.length > 60 ? [0, "h10"] : [1, "h8V200h2"];
    series.forEach((s, i) => {
      const d = sums.map((sum) => (s.shown && sum[i] ? `V${200 - Math.max((200 * sum[i]) / top, 2)}${right}` : "V200h10"));
      find(`path.${s.name}`).setAttribute("d", `M${left} 200${d.join("")}V200`);
    });
    line?.setAttribute("d", `M0 200${before.map((n) => `V${200 - (200 * n) / top}h10`).join("")}`);
    const lines = [...Array(parts).keys()];
    find(".grid").setAttribute("d", lines.map((i) => `M0 ${i * part || 0.5}H${values.length * 10}`).join(""));
    scale.replaceChildren(...[...lines, parts].map((i) => make("span", "", number.format((top / parts) * (parts - i)))));
  }

  for (const s of series) {
    const button = make("button", "", ...s.li.childNodes);
    Object.assign(button, { type: "button", ariaPressed: true });
    button.onclick = () => {
      button.ariaPressed = s.shown = !s.shown;
      draw();
    };
    s.li.append(button);
  }
  return { frame: find(".frame"), title: find("h2").textContent, values, series, before, was: find("[data-was]") };
}

function charts(root) {
  const { start, step, by, zone, partial, sofar, cut, help, months, drill, from, hint, tap } = root.dataset;
  const figures = [...root.querySelectorAll(".chart")].map(figure);
  const count = figures[0].values.length, parts = partial.split(" ");
  const name = months.split(" "), say = document.getElementById("say");
  const readout = make("div", "readout");
  readout.dir = page.dir;
  const cursors = figures.map(({ frame }) => make("div", "cursor"));
  let at = -1, touched = -1;

  const clocks = (timeZone) => {
    const format = new Intl.DateTimeFormat("en", { timeZone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" });
    return (seconds) => {
      const p = Object.fromEntries(format.formatToParts(seconds * 1000).map((p) => [p.type, p.value]));
      const day = `${p.day} ${name[p.month - 1]}`;
      return { day, date: `${day} ${p.year}`, time: `${p.hour}:${p.minute}` };
    };
  };
  const utc = clocks("UTC"), local = clocks(by === "hour" ? zone : "UTC");

  function words(i) {
    const begin = +start + i * step, a = local(begin);
    if (by === "day") return [a.date];
    if (by === "week") return [`${a.day} – ${utc(begin + 6 * 86400).date}`];
    const text = `${a.date}${comma}${a.time}–${local(begin + 3600).time}`;
    return zone === "UTC" ? [`${text} UTC`] : [text, `${utc(begin).time} UTC`];
  }

  const rows = (i) => {
    const list = figures.flatMap(({ values, series }) => series.map(({ name, text }, n) => ({ name, text, value: values[i][n] || 0 })));
    const { title, before, was, values } = figures[0], sum = { name: "sum", text: title, value: values[i].reduce((a, b) => a + b) };
    return was ? [sum, { name: "was", text: was.textContent, value: before[i] }, ...list] : [sum, ...list];
  };
  const leads = (i) => drill && i >= +from;

  function hide() {
    at = touched = -1;
    readout.remove();
    for (const c of cursors) c.remove();
    root.classList.remove("drills");
  }

  function select(i, frame, finger) {
    i = Math.max(0, Math.min(count - 1, i));
    at = i;
    const [title, beside] = words(i);
    const note = parts.includes(`${i}`) && (i === count - 1 && sofar || cut);
    readout.replaceChildren(make("strong", "", title));
    for (const text of [beside, note]) if (text) readout.append(make("small", "", text));
    const all = rows(i);
    readout.append(make("ul", "", ...all.map((r) => make("li", r.name, make("span", "swatch"), make("span", "", r.text), make("b", "", number.format(r.value)), make("i", "", r.name === "was" ? "" : percent.format(r.value / (all[0].value || 1)))))));
    if (leads(i)) readout.append(make("small", "", finger ? tap : hint));
    root.classList.toggle("drills", !!leads(i));
    figures.forEach(({ frame }, n) => {
      Object.assign(cursors[n].style, { insetInlineStart: `${(100 * i) / count}%`, inlineSize: `${100 / count}%` });
      frame.append(cursors[n]);
    });
    root.append(readout);
    const box = frame.getBoundingClientRect(), outer = root.getBoundingClientRect();
    const middle = box.left - outer.left + (box.width * (i + 0.5)) / count, wide = readout.offsetWidth + 16;
    readout.style.left = `${Math.max(0, middle + wide > outer.width ? middle - wide : middle + 16)}px`;
    readout.style.top = `${box.top - outer.top + 4}px`;
    return [title, beside, note].filter(Boolean).join(comma);
  }

  function go(i) {
    if (!leads(i)) return;
    const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10), begin = +start + i * step;
    location = drill.replace("%7Bfrom%7D", day(begin)).replace("%7Bto%7D", day(begin + +step - 86400));
  }

  for (const { frame, title } of figures) {
    const index = ({ clientX }) => {
      const { left, width } = frame.getBoundingClientRect();
      return Math.floor(((clientX - left) / width) * count);
    };
    frame.tabIndex = 0;
    frame.role = "application";
    frame.ariaLabel = `${title}. ${help}`;
    frame.onpointermove = (event) => select(index(event), frame, event.pointerType === "touch");
    frame.onpointerleave = (event) => { if (event.pointerType === "mouse") hide(); };
    frame.addEventListener("click", (event) => {
      const i = index(event), finger = event.pointerType === "touch";
      if (!finger || touched === i) return go(i);
      select((touched = i), frame, true);
    });
    frame.addEventListener("keydown", (event) => {
      const far = by === "hour" ? 24 : 4;
      const moves = { ArrowRight: 1, ArrowLeft: -1, PageDown: far, PageUp: -far, Home: -count, End: count };
      if (event.key === "Escape") hide();
      else if (event.key === "Enter") go(at);
      else if (moves[event.key]) {
        event.preventDefault();
        const text = select(at < 0 ? count - 1 : at + moves[event.key], frame);
        say.textContent = `${text}: ${rows(at).map((r) => `${r.text} ${number.format(r.value)}`).join(comma)}`;
      }
    });
    frame.onblur = hide;
  }
  document.addEventListener("pointerdown", (event) => { if (!root.contains(event.target)) hide(); });
}

const all = () => document.querySelectorAll(".charts").forEach(charts);
all();
document.addEventListener("figures", all);
