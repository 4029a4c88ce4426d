// Charts answer to pointers, fingers and keys: a cursor with every value, a click from a bar to its hours or days, a legend that
// hides series. They are whole without this.
const page = document.documentElement, comma = page.lang.startsWith("ar") ? "، " : ", ", lang = `${page.lang}-u-nu-latn`;
const number = new Intl.NumberFormat(lang), percent = new Intl.NumberFormat(lang, { style: "percent", minimumFractionDigits: 1 });

// As the server's scale: tenths of a power of ten, and into how many parts lines divide it.
const rounds = [[10, 2], [15, 3], [20, 2], [25, 5], [30, 3], [40, 4], [50, 5], [60, 3], [80, 4]];
function round(n) {
  for (let scale = n > 1 ? 1 : 10; n > 1; scale *= 10) {
    for (const [tenths, parts] of rounds) {
      const top = (tenths * scale) / 10;
      if (Number.isInteger(top) && n <= top) return [top, parts];
    }
  }
  return [1, 1];
}

const make = (tag, className, ...inside) => {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.append(...inside);
  return e;
};

function figure(element) {
  const plot = element.querySelector(".plot"), scale = element.querySelector(".scale");
  const values = element.dataset.values.split(" ").map((bar) => bar.split(",").map(Number));
  const series = [...element.querySelectorAll("[data-series]")].map((li) => ({ li, name: li.dataset.series, text: li.textContent.trim(), shown: true }));
  plot.querySelector(".tips")?.remove();

  function draw() {
    const [top, parts] = round(Math.max(...values.map((bar) => series.reduce((sum, s, i) => sum + (s.shown ? bar[i] || 0 : 0), 0))));
    const sums = values.map(() => 0), part = 200 / parts;
    series.forEach((s, i) => {
      const d = values.map((bar, at) => {
        if (!s.shown) return "h10";
        const sum = (sums[at] += bar[i] || 0);
        return sum ? `V${200 - Math.max((200 * sum) / top, 2)}h8V200h2` : "h10";
      });
      plot.querySelector(`.${s.name}`).setAttribute("d", `M1 200${d.join("")}`);
    });
    const lines = [...Array(parts).keys()];
    plot.querySelector(".grid").setAttribute("d", lines.map((i) => `M0 ${i * part || 0.5}H${values.length * 10}`).join(""));
    scale.replaceChildren(...[...lines, parts].map((i) => make("span", "", number.format((top / parts) * (parts - i)))));
  }

  for (const s of series) {
    const button = make("button", "", ...s.li.childNodes);
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      s.shown = !s.shown;
      button.setAttribute("aria-pressed", String(s.shown));
      draw();
    });
    s.li.append(button);
  }
  return { frame: element.querySelector(".frame"), title: element.querySelector("h2").textContent, values, series };
}

function charts(root) {
  const { start, step, by, zone, partial, sofar, cut, help, months, drill, from, hint, tap } = root.dataset;
  const figures = [...root.querySelectorAll(".chart")].map(figure);
  const count = figures[0].values.length, parts = new Set(partial.split(" "));
  const name = months.split(" "), say = document.getElementById("say");
  const readout = make("div", "readout");
  readout.dir = page.dir;
  const cursors = figures.map(({ frame }) => make("div", "cursor"));
  let at = -1, touched = -1;

  const clocks = (timeZone) => {
    const format = new Intl.DateTimeFormat("en", { timeZone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" });
    return (seconds) => {
      const p = Object.fromEntries(format.formatToParts(seconds * 1000).map((one) => [one.type, one.value]));
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

  // The first chart has all requests.
  const rows = (i) => {
    const list = figures.flatMap(({ values, series }) => series.map(({ name, text }, n) => ({ name, text, value: values[i][n] || 0 })));
    return [{ name: "sum", text: figures[0].title, value: list[0].value + list[1].value }, ...list];
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
    const note = parts.has(String(i)) && (i === count - 1 && sofar || cut);
    readout.replaceChildren(make("strong", "", title));
    for (const text of [beside, note]) if (text) readout.append(make("small", "", text));
    const all = rows(i);
    readout.append(make("ul", "", ...all.map((r) => make("li", r.name, make("span", "swatch"), make("span", "", r.text), make("b", "", number.format(r.value)), make("i", "", percent.format(r.value / (all[0].value || 1)))))));
    if (leads(i)) readout.append(make("small", "", finger ? tap : hint));
    root.classList.toggle("drills", Boolean(leads(i)));
    figures.forEach((f, n) => {
      cursors[n].style.insetInlineStart = `${(100 * i) / count}%`;
      cursors[n].style.inlineSize = `${100 / count}%`;
      f.frame.append(cursors[n]);
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
    location.assign(drill.replace("%7Bfrom%7D", day(begin)).replace("%7Bto%7D", day(begin + +step - 86400)));
  }

  for (const { frame, title } of figures) {
    const index = (event) => {
      const { left, width } = frame.getBoundingClientRect(), f = (event.clientX - left) / width;
      return Math.floor(f * count);
    };
    frame.tabIndex = 0;
    frame.setAttribute("role", "application");
    frame.setAttribute("aria-label", `${title}. ${help}`);
    frame.addEventListener("pointermove", (event) => select(index(event), frame, event.pointerType === "touch"));
    frame.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
    frame.addEventListener("click", (event) => {
      const i = index(event), finger = event.pointerType === "touch";
      if (!finger || touched === i) return go(i);
      select(i, frame, true);
      touched = i;
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
    frame.addEventListener("blur", hide);
  }
  document.addEventListener("pointerdown", (event) => { if (!root.contains(event.target)) hide(); });
}

const all = () => document.querySelectorAll(".charts").forEach(charts);
all();
document.addEventListener("figures", all);
