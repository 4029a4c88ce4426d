// Names, labels and domains of the greatest length that have no place to break: no page is wider than its window.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { api, context, launch, signIn } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// The long form looks at all of them.
const widths = process.env.LATCHKEY_DEEP === "1" ? [1440, 1024, 390, 320] : [1440, 320];

// 64 letters in which each differs from the next, so that no font makes them narrow by chance.
const letters = { ltr: "Wmqdgo", rtl: "ضصسشمغ" };
const long = (dir, n) => letters[dir].repeat(11).slice(0, n);

// longest makes an account, a key and a request whose names are as long as they may be.
async function longest(dir) {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: long(dir, 64) });
  await api("operator", "PATCH", `/v1/accounts/${id}`, { type: "enterprise" });
  const key = await api("owner", "POST", `/v1/accounts/${id}/keys`, { name: long(dir, 64), usage: "frontend", products: ["map-display", "routing"], labels: [long(dir, 32)], domains: [`${"w".repeat(60)}.${"m".repeat(60)}.example`] });
  const request = await api("owner", "POST", `/v1/accounts/${id}/qps-requests`, { key_id: key.id, product: "routing", requested_qps: 50, justification: long(dir, 64).repeat(3) });
  return { account: id, key: key.id, request: request.id };
}

const pages = ({ account, key, request }, dir) => ({
  owner: [
    ...["/keys", `/keys?q=${encodeURIComponent(long(dir, 64))}`, "/keys/new", "/keys/findings", "/domains", "/usage", "/qps-requests", `/qps-requests/${request}`, `/qps-requests/new?key=${key}&class=search`, "/account", "/account/details", "/account/audit"].map((path) => `/accounts/${account}${path}`),
    ...["", "/edit", "/try", "/audit", "/propose", "/rotate", "/disable", "/revoke", "/delete", "/limits/routing", "/quotas/tiles"].map((path) => `/accounts/${account}/keys/${key}${path}`),
  ],
  operator: [
    "/operator", "/operator/accounts", `/operator?q=${encodeURIComponent(long(dir, 64))}`, `/operator?q=${key}x`, "/operator/qps-requests", `/operator/qps-requests/${account}/${request}`, `/operator/keys/${key}`,
    ...["", "/people", "/limits", "/type", "/suspend", "/close"].map((path) => `/operator/accounts/${account}${path}`), `/accounts/${account}/keys`,
  ],
});

describe("the longest names make no page wider than its window", () => {
  for (const [dir, language] of [["ltr", "en"], ["rtl", "ar"]]) {
    test(language, async () => {
      const made = await longest(dir), problems = [];
      for (const [person, paths] of Object.entries(pages(made, dir))) {
        const c = await context(browser, { language });
        const page = await c.newPage();
        await signIn(page, person);
        for (const path of paths) {
          const answer = await page.goto(stack().console_url + path);
          if (!answer.ok()) problems.push(`${path}: ${answer.status()}`);
          for (const width of widths) {
            await page.setViewportSize({ width, height: 800 });
            const wide = await page.evaluate(() => {
              const over = document.documentElement.scrollWidth - innerWidth;
              const culprits = [...document.querySelectorAll("main *")].filter((e) => { const box = e.getBoundingClientRect(); return box.width && (box.right > innerWidth + 1 || box.left < -1); });
              return over > 0 ? `${over} px too wide: ${culprits.slice(0, 3).map((e) => `${e.tagName}.${e.className}`)}` : "";
            });
            if (wide) problems.push(`${path} at ${width}: ${wide}`);
          }
        }
        c.check();
        await c.close();
      }
      assert.equal(problems.join("\n"), "");
    });
  }
});
