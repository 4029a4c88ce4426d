import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { context, keyOf, launch, newcomer } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// reach presses Tab until the wanted element has the focus, and sees that the focus can be seen.
async function reach(page, selector, most = 60) {
  for (let i = 0; i < most; i++) {
    const there = await page.evaluate((s) => document.activeElement?.matches(s), selector);
    if (there) {
      const seen = await page.evaluate(() => {
        const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
        const ring = style.outlineStyle !== "none" || (e.nextElementSibling && getComputedStyle(e.nextElementSibling).outlineStyle !== "none")
          || (e.closest(".option") && getComputedStyle(e.closest(".option")).outlineStyle !== "none");
        return ring && (box.width > 0 || e.nextElementSibling !== null);
      });
      assert.ok(seen, `${selector} has a visible focus`);
      return;
    }
    await page.keyboard.press("Tab");
  }
  assert.fail(`${selector} can't be reached by Tab on ${page.url()}`);
}

const press = async (page, selector, key = "Enter") => { await reach(page, selector); await page.keyboard.press(key); };

test("everything from sign-in to a revoked key, by keyboard alone", async () => {
  const c = await context(browser);
  const page = await c.newPage();
  await page.goto(stack().console_url);
  await press(page, "a.button.primary");
  await page.waitForURL(/login/);
  const subject = newcomer();
  await reach(page, "input[name=email]");
  await page.keyboard.type(`${subject}@example.com`);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#f-name");
  await reach(page, "#f-name");
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".first");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip", "the first stop skips to the content");
  await page.keyboard.press("Enter");
  await press(page, ".first a.button");
  await page.waitForSelector("#f-usage");
  await reach(page, "#f-name");
  await page.keyboard.type("Typed key");
  await reach(page, "input[name=usage]");
  await page.keyboard.press("ArrowDown"); // to back end
  await reach(page, "input[name=products]");
  await page.keyboard.press("Space");
  await press(page, "form.card button[type=submit]");
  await page.waitForSelector("#secret");
  await reach(page, "[data-copy-of=secret]");
  await reach(page, "input[name=try]");
  await page.keyboard.press("ArrowRight");
  assert.ok(await page.locator("#panel-browser").isVisible());
  await press(page, "p.actions a.button");
  await page.waitForSelector(".facts");

  // A dialog from a menu: Escape closes it, and the focus returns to the menu's button.
  await press(page, "[popovertarget^=menu-]");
  await page.waitForSelector("[id^=menu-]:popover-open");
  await press(page, "a[href$='/disable']");
  await page.waitForSelector("dialog[open]");
  assert.ok(await page.evaluate(() => document.querySelector("dialog").contains(document.activeElement)), "the focus is in the dialog");
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)), "and stays there");
  }
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
  assert.ok(await page.evaluate(() => document.activeElement.matches("[popovertarget^=menu-]")), "the focus returns");

  // A dialog from a link: Cancel closes it, and the focus returns to the link.
  await reach(page, "a.button[href$='/rotate']");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]");
  await press(page, "dialog [data-close]");
  await page.waitForSelector("dialog", { state: "detached" });
  assert.ok(await page.evaluate(() => document.activeElement.matches("a.button[href$='/rotate']")), "the focus returns");

  await press(page, "[popovertarget^=menu-]");
  await page.waitForSelector("[id^=menu-]:popover-open");
  await press(page, "a[href$='/revoke']");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.type("Typed key"); // the field has the focus
  await page.keyboard.press("Enter");
  await page.getByText("can’t be restored").waitFor();
  c.check();
  await c.close();
});

test("the menus of the frame open and close by keyboard", async () => {
  const c = await context(browser);
  const page = await c.newPage();
  await keyOf(stack().demo_account, { name: "Menu" });
  await page.goto(stack().console_url);
  await press(page, "a.button.primary");
  await page.waitForURL(/login/);
  await press(page, "button[value=owner]");
  await page.waitForSelector("table.keys");
  for (const id of ["accounts", "person"]) {
    await press(page, `[popovertarget=${id}]`);
    await page.waitForSelector(`#${id}:popover-open`);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(`#${id}:popover-open`).count(), 0);
    assert.ok(await page.evaluate((i) => document.activeElement.matches(`[popovertarget=${i}]`), id), "the focus returns");
  }
  c.check();
  await c.close();
});
