// The first key of a web page: one question, a key that fits the answer, a page to try it, and a checklist until the first allowed call.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { context, launch, newcomer, signIn, tile } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

for (const javaScriptEnabled of [true, false]) {
  test(`a web page's first key, until its first call${javaScriptEnabled ? "" : ", without JavaScript"}`, async () => {
    const c = await context(browser, { javaScriptEnabled });
    c.expect(422);
    const page = await c.newPage();
    await signIn(page, newcomer());
    await page.getByLabel("Account name").fill("Beginners");
    await page.getByRole("button", { name: "Create account" }).click();
    const domain = page.getByLabel("Your website");
    const create = page.getByRole("button", { name: "Create key: A web page" });
    await create.click();
    assert.match(await page.locator("[role=alert]").innerText(), /Enter your website’s domain/);
    await domain.fill("https://www.shop.example/"); // as it is copied
    if (javaScriptEnabled) {
      await page.getByLabel("Your app").fill("com.example.app");
      await page.getByRole("button", { name: "Use ios com.example.app" }).click();
      assert.equal(await page.getByLabel("Your app").inputValue(), "ios com.example.app");
      await domain.fill("https://www.shop.example/map");
      await page.getByRole("button", { name: "Use https://www.shop.example" }).click();
      assert.equal(await domain.inputValue(), "https://www.shop.example");
    }
    await create.click();
    const secret = await page.locator("#secret").innerText();
    assert.ok(await page.locator("#panel-leaflet").isVisible(), "the page to try comes first");
    await page.getByRole("link", { name: "API keys" }).first().click();
    const list = page.locator(".begin");
    assert.equal(await list.locator("li.done").count(), 2);
    assert.equal((await tile(secret, { Origin: "https://copy.example" })).status, 403);
    await page.reload();
    assert.equal(await list.count(), 1, "a refused call is no first call");
    for (let i = 0; i < 60 && await list.count(); i++) {
      assert.equal((await tile(secret, { Origin: "https://www.shop.example" })).status, 200);
      await new Promise((done) => setTimeout(done, 1000));
      await page.reload();
    }
    assert.equal(await list.count(), 0, "the checklist goes with the first allowed call");
    c.check();
    await c.close();
  });
}
