// The console under another company's brand, on a stack with all of its parameters set: gate.test.mjs starts one.
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { join } from "node:path";
import { objections } from "./axe.mjs";
import { context, launch, signIn, api } from "./browser.mjs";
import { stack } from "./stack.mjs";

const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 24"><defs><linearGradient id="g"><stop stop-color="#8a1c4a"/><stop offset="1" stop-color="#d96a9a"/></linearGradient></defs><path fill="url(#g)" d="M0 4h48v6H28v14h-8V10H0z"/></svg>`;
const brand = {
  BrandName: "TMaps & Co", BrandLogo: gzipSync(logo).toString("base64"), BrandColor: "#c2557f", BrandColorDark: "#7a2046", BrandLanguage: "fr", // both too weak: they are moved
  BrandDocs: "https://tmaps.example/docs", BrandSupport: "mailto:help@tmaps.example", BrandStatus: "https://status.tmaps.example", BrandTerms: "https://tmaps.example/terms", BrandPrivacy: "https://tmaps.example/privacy",
};
export const parameters = Object.fromEntries(Object.entries(brand).map(([name, value]) => [`LATCHKEY_PARAM_${name}`, value]));

// branded looks at five pages and the sign-in: light and dark, wide and narrow, in two languages.
export async function branded(file) {
  const before = process.env.STACK;
  process.env.STACK = file;
  const browser = await launch();
  try {
    const { demo_account: account } = stack();
    const key = await api("owner", "POST", `/v1/accounts/${account}/keys`, { name: "Shop", usage: "backend", products: ["map-display"] });
    await api("operator", "POST", `/v1/operator/keys/${key.id}/block`, { reason: "Please call us." });
    const keys = `/accounts/${account}/keys`;
    const pages = [keys, `${keys}/${key.id}`, `${keys}/new`, `/accounts/${account}/usage`, `/accounts/${account}/account`];
    const problems = [];
    for (const [theme, width, language] of [["light", 1440, "en"], ["dark", 390, "fr"], ["light", 320, "fr"], ["dark", 1440, undefined]]) {
      const c = await context(browser, { theme, language, locale: language ? "en-GB" : "de-DE", viewport: { width, height: 800 }, reducedMotion: "reduce" });
      const page = await c.newPage();
      const look = async (name) => {
        const where = `${name}, ${theme}, ${width} px, ${language}`;
        const text = await page.evaluate(() => document.title + document.body.innerText);
        if (/latchkey/i.test(text)) problems.push(`${where}: names us`);
        if (!text.includes(brand.BrandName)) problems.push(`${where}: lacks the name`);
        if (!await page.locator("img.mark").first().evaluate((e) => e.complete && e.naturalWidth > 0)) problems.push(`${where}: the logo isn't drawn`);
        const links = await page.locator("footer a").evaluateAll((all) => all.map((a) => a.href));
        assert.deepEqual(links.map((l) => l.replace(/\/$/, "")), ["Docs", "Support", "Status", "Terms", "Privacy"].map((n) => brand["Brand" + n]), where);
        if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) problems.push(`${where}: wider than the window`);
        problems.push(...(await objections(page)).map((one) => `${where}: ${one}`));
        if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, `brand-${name.replaceAll("/", "_").slice(-20)}-${theme}-${width}-${language}.png`), fullPage: true });
      };
      await page.goto(stack().console_url);
      await look("sign-in");
      await signIn(page, "owner");
      for (const path of pages) { await page.goto(stack().console_url + path); await look(path); }
      assert.equal(await page.evaluate(() => document.documentElement.lang), language ?? "fr");
      const contact = page.locator(`a[href="mailto:help@tmaps.example?subject=${key.id}"]`);
      await page.goto(stack().console_url + pages[1]);
      assert.equal(await contact.count(), 1, "the blocked key leads to support");
      c.check();
      await c.close();
    }
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
    process.env.STACK = before;
  }
}
