// What axe objects to in a page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// objections lists a line for each rule that is broken. Text of the colour of its background is one of them, though axe, which can't
// tell whether it is meant to be seen, leaves that open.
export async function objections(page) {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(source);
  const { violations, incomplete, passes } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations", "incomplete"] }));
  assert.ok(passes.length > 5, "axe looked");
  const unseen = incomplete.filter((v) => v.id === "color-contrast")
    .map((v) => ({ ...v, nodes: v.nodes.filter((n) => n.any[0]?.data?.messageKey === "equalRatio") })).filter((v) => v.nodes.length);
  return [...violations, ...unseen].map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | ")}`);
}
