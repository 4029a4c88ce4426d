import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { briefly, context, keyOf, launch, signIn, until } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

async function keyPage(options, name = "Dialogs") {
  const c = await context(browser, options);
  const page = await c.newPage();
  await signIn(page, "owner");
  const key = await keyOf(stack().demo_account, { name });
  const path = `${stack().console_url}/accounts/${stack().demo_account}/keys/${key.id}`;
  await page.goto(path);
  return { c, page, path, key };
}

const slowly = (page, part) => page.route(part, async (route) => { await new Promise((done) => setTimeout(done, 600)); await route.continue(); });

test("a second press opens no second dialog, and the first is seen to be under way", async () => {
  const { c, page } = await keyPage();
  await slowly(page, "**/rotate");
  const link = page.locator("a.button[href$='/rotate']");
  await link.dblclick();
  assert.equal(await link.getAttribute("aria-busy"), "true");
  await page.waitForSelector("dialog[open]");
  await page.waitForTimeout(900);
  assert.equal(await page.locator("dialog").count(), 1);
  assert.equal(await link.getAttribute("aria-busy"), null);
  c.check();
  await c.close();
});

test("a button that was pressed says that it is under way, and sends once", async () => {
  const { c, page } = await keyPage();
  await page.goto(page.url() + "/edit");
  let sent = 0;
  await page.route("**/edit", async (route) => {
    if (route.request().method() === "POST") { sent++; await new Promise((done) => setTimeout(done, 600)); }
    await route.continue();
  });
  const save = page.locator("form.card button[type=submit]");
  // Read at once: the answer takes the button away.
  assert.equal(await save.evaluate((b) => { b.click(); b.click(); return b.getAttribute("aria-busy"); }), "true");
  await page.waitForSelector(".facts");
  assert.equal(sent, 1);
  c.check();
  await c.close();
});

test("a dialog begins at its title or its field, never at a button that can't be taken back", async () => {
  const { c, page, path } = await keyPage();
  for (const [step, at] of [["disable", "H1"], ["delete", "H1"], ["revoke", "INPUT"]]) {
    await page.goto(path);
    await page.locator("main [popovertarget^=menu-]").click();
    await page.locator(`a[href$='/${step}']`).click();
    await page.waitForSelector("dialog[open]");
    const [focus, role, described] = await page.evaluate(() => {
      const d = document.querySelector("dialog");
      return [document.activeElement.tagName, d.getAttribute("role"), document.getElementById(d.getAttribute("aria-describedby"))?.innerText];
    });
    assert.deepEqual([focus, role], [at, "alertdialog"], step);
    assert.match(described, /within 10 seconds/);
  }
  c.check();
  await c.close();
});

test("a wrong name is said in the dialog, and the right one is taken there", async () => {
  const { c, page } = await keyPage({}, "Two words");
  c.expect(422);
  await page.locator("main [popovertarget^=menu-]").click();
  await page.locator("a[href$='/revoke']").click();
  const field = page.locator("dialog #f-confirm_name");
  await field.fill("One word");
  await page.getByRole("button", { name: "Revoke permanently" }).click();
  await page.locator("dialog #e-confirm_name").getByText("Type “Two words” to confirm.").waitFor();
  assert.equal(await field.inputValue(), "One word");
  assert.ok(await field.evaluate((e) => e === document.activeElement), "the field has the focus");
  await field.fill("Two words");
  await page.getByRole("button", { name: "Revoke permanently" }).click();
  await page.getByText("can’t be restored").waitFor();
  assert.equal(await page.locator("dialog").count(), 0);
  c.check();
  await c.close();
});

test("copying is seen, and a refusal by the browser too", async () => {
  const { c, page } = await keyPage({ permissions: ["clipboard-read", "clipboard-write"] });
  await briefly(page.locator(".copyline .said").getByText("Copied"), () => page.locator("[data-copy-of=key-id]").click());
  await page.evaluate(() => { navigator.clipboard.writeText = () => Promise.reject(new Error("no")); });
  await page.locator("[data-copy-of=key-id]").click();
  await page.locator(".copyline .said").getByText("Couldn’t copy.").waitFor();
  assert.match(await page.evaluate(() => String(getSelection())), /^key_/);
  await page.reload();
  await page.locator("main [popovertarget^=menu-]").click();
  await briefly(page.locator("[id^=menu-]:popover-open .said").getByText("Copied"), () => page.locator("[id^=menu-] [data-copy]").click());
  await until(page, () => !document.querySelector("[id^=menu-]:popover-open"));
  c.check();
  await c.close();
});

test("a dialog closes by a click that begins and ends beside it, and by none once something was typed", async () => {
  const { c, page } = await keyPage();
  const dialog = page.locator("dialog[open]"), open = () => page.locator("a[href$='/policy']").first().click();
  await open();
  await dialog.waitFor();
  const { x, y, width, height } = await dialog.boundingBox(), title = await dialog.locator("h1").boundingBox();
  const inside = [x + 8, y + 8], beside = [x / 2, y + height / 2], text = [title.x + 10, title.y + title.height / 2];
  const drag = async (from, to) => {
    await page.mouse.move(...from);
    await page.mouse.down();
    await page.mouse.move(...to);
    await page.mouse.up();
  };
  for (const [from, to, what] of [[inside, inside, "its own edge"], [[x + width - 4, y + height - 4], [x + width - 4, y + height - 4], "its other edge"], [text, beside, "text is selected"], [beside, inside, "it ends inside"]]) {
    await drag(from, to);
    assert.equal(await dialog.count(), 1, what);
  }
  await drag(beside, beside);
  await dialog.waitFor({ state: "detached" });
  await open();
  await dialog.locator("#f-every_days").fill("30");
  await drag(beside, beside);
  assert.equal(await dialog.locator("#f-every_days").inputValue(), "30", "what was typed stays");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  c.check();
  await c.close();
});

// unanswered keeps the page's form without an answer, and counts how often it is sent.
async function unanswered(page) {
  const sent = [];
  await page.route("**/edit", (route) => (route.request().method() === "POST" ? void sent.push(route) : route.continue()));
  return sent;
}

test("a form whose request was stopped can be sent again, at once or after the longest time of an answer", async () => {
  for (const knows of [true, false]) { // whether the browser tells a page that its request was stopped
    const { c, page } = await keyPage();
    if (!knows) {
      await c.addInitScript(() => {
        Object.defineProperty(globalThis, "navigation", { value: undefined });
        const { setTimeout } = globalThis;
        globalThis.setTimeout = (f, ms) => (ms === 30_000 ? ((globalThis.late = f), 0) : setTimeout(f, ms));
      });
    }
    await page.goto(page.url() + "/edit");
    const sent = await unanswered(page), tab = await c.newCDPSession(page); // a locator would wait for the answer
    const ask = async (expression) => (await tab.send("Runtime.evaluate", { expression })).result.value;
    const press = `document.querySelector("form.card button[type=submit]").click();`, count = `document.querySelectorAll("[aria-busy], [data-sent]").length`, dead = () => ask(count);
    const [, marked] = await Promise.all([page.waitForRequest((request) => request.method() === "POST"), ask(press + press + count)]);
    assert.equal(marked, 2);
    await tab.send("Page.stopLoading");
    if (!knows) {
      assert.equal(await dead(), 2, "an answer may still come");
      await ask("late()");
    }
    for (let i = 0; i < 200 && await dead(); i++) await new Promise((done) => setTimeout(done, 20));
    assert.deepEqual([await dead(), sent.length], [0, 1]);
    await page.unroute("**/edit");
    await ask(press);
    await page.waitForSelector(".facts");
    await c.close();
  }
});

test("a form or a link that is opened in another tab leaves this page as it was", async () => {
  const { c, page, path } = await keyPage();
  await page.goto(path + "/edit");
  const elsewhere = async (act) => {
    const [tab] = await Promise.all([c.waitForEvent("page"), act()]);
    await tab.close();
    assert.equal(await page.locator("[aria-busy=true], [data-sent]").count(), 0);
    assert.equal(page.url(), path + "/edit");
  };
  const save = page.locator("form.card button[type=submit]");
  for (const key of ["Control", "Shift"]) await elsewhere(() => save.click({ modifiers: [key] }));
  await page.locator("form.card").evaluate((form) => { form.target = "_blank"; });
  await elsewhere(() => save.click());
  await page.locator("form.card").evaluate((form) => { form.target = ""; });
  await page.locator("#f-name").fill("Saved here");
  await save.click();
  await page.getByRole("heading", { level: 1, name: "Saved here" }).waitFor();
  c.check();
  await c.close();
});
