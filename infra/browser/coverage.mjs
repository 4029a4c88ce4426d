// node coverage.mjs folder: how much of the console's scripts ran, and what never did. The folder is what COVERAGE=folder named for a
// run of the browser tests.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = process.argv[2], assets = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "functions", "console", "assets");
const scripts = new Map(); // by asset: its source, and for each of its characters whether it ran in some page

for (const file of readdirSync(assets)) {
  if (!file.endsWith(".js")) continue;
  const source = readFileSync(join(assets, file), "utf8");
  scripts.set(file.slice(0, -3), { source, ran: new Uint8Array(source.length) });
}

for (const file of readdirSync(folder)) {
  for (const { url, functions } of JSON.parse(readFileSync(join(folder, file), "utf8"))) {
    const one = scripts.get(/([a-z]+)\.[0-9a-f]+\.js$/.exec(url)?.[1]);
    if (!one) continue;
    const here = new Uint8Array(one.source.length);
    const ranges = functions.flatMap((f) => f.ranges).sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset); // inner ones last
    for (const { startOffset, endOffset, count } of ranges) here.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    here.forEach((ran, i) => { one.ran[i] |= ran; });
  }
}

let all = 0, run = 0;
for (const [name, { source, ran }] of [...scripts].sort()) {
  let offset = 0, some = 0, whole = 0;
  const missed = [];
  source.split("\n").forEach((line, n) => {
    const code = [...line].map((_, i) => offset + i).filter((i) => source[i].trim() && !/^\s*(\/\/|$)/.test(line));
    const never = code.filter((i) => !ran[i]);
    whole += code.length;
    some += code.length - never.length;
    const text = never.map((i) => source[i]).join("");
    if (/[A-Za-z]/.test(text)) missed.push(`  ${n + 1}: ${never.length === code.length ? line.trim() : text}`);
    offset += line.length + 1;
  });
  all += whole;
  run += some;
  console.log(`${name}.js: ${((100 * some) / whole).toFixed(1)} % of its code ran`);
  for (const line of missed) console.log(line);
}
console.log(`all: ${((100 * run) / all).toFixed(1)} %`);
