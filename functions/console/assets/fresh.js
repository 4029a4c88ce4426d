// Figures that go on say how old they are, and are read again every minute: while the page is seen, somebody has used it lately (a page
// that nobody looks at must not keep its session), and nobody reads a chart, opens a table or is in the middle of it.
const page = document.documentElement, every = 60_000, idle = 15 * 60_000;
const format = new Intl.RelativeTimeFormat(`${page.lang}-u-nu-latn`);
let loaded = Date.now(), used = loaded, asked = loaded, reading = false;

for (const kind of ["pointerdown", "pointermove", "keydown"]) addEventListener(kind, () => { used = Date.now(); }, { passive: true });

function write() {
  for (const line of document.querySelectorAll("[data-age]")) {
    const age = Number(line.dataset.age) + Math.floor((Date.now() - loaded) / 1000);
    const [n, unit] = age < 60 ? [Math.max(age, 1), "second"] : age < 3600 ? [Math.floor(age / 60), "minute"] : age < 172800 ? [Math.floor(age / 3600), "hour"] : [Math.floor(age / 86400), "day"];
    line.textContent = line.dataset.words.replace("{ago}", format.format(-n, unit));
  }
}

const inUse = () => document.querySelector(".readout, [data-live] details[open], [data-live] :focus, [data-live] [aria-pressed=false], dialog[open]");

async function refresh() {
  if (reading || !document.querySelector("[data-live]")) return;
  asked = Date.now();
  reading = true;
  let next;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    next = answer.ok && !answer.redirected && new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch { /* at the next time */ }
  reading = false;
  const parts = document.querySelectorAll("[data-live]"), others = next && next.querySelectorAll("[data-live]");
  if (!others || others.length !== parts.length || inUse()) return;
  parts.forEach((part, i) => part.replaceWith(document.adoptNode(others[i])));
  loaded = asked;
  document.dispatchEvent(new Event("figures"));
}

function look() {
  if (document.hidden) return;
  write();
  const now = Date.now();
  if (now - asked >= every && now - used < idle && !inUse()) refresh();
}
setInterval(look, 10_000);
document.addEventListener("visibilitychange", () => {
  used = Date.now();
  look();
});
