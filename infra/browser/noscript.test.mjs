import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { context, launch, newcomer, signIn } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test("without JavaScript: account, create, edit, disable, enable, rotate, revoke, delete", async () => {
  const c = await context(browser, { javaScriptEnabled: false });
  c.expect(422);
  const page = await c.newPage();
  await signIn(page, newcomer());
  await page.getByLabel("Account name").fill("No script");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("link", { name: "Choose settings myself" }).click();
  await page.getByLabel("Name").fill("Plain");
  await page.getByLabel(/Map Display API/).check();
  await page.locator("#f-domains").fill("https://example.com/path");
  await page.getByRole("button", { name: "Create API key" }).click();
  await page.locator("#e-domains").getByText("https://example.com", { exact: true }).waitFor(); // the suggestion
  await page.locator("#f-domains").fill("example.com");
  await page.getByRole("button", { name: "Create API key" }).click();
  assert.match(await page.locator("#secret").innerText(), /^ak_/);
  assert.equal(await page.getByRole("button", { name: "Copy" }).count(), 0, "no button that does nothing");
  await page.getByRole("link", { name: "Go to the key" }).click();
  const here = page.url();
  await page.getByRole("link", { name: "Edit" }).first().click();
  await page.getByLabel("Name").fill("Plainer");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  for (const [link, button, says, type] of [
    ["Disable…", "Disable", "Disabled by your team"], ["Enable…", "Enable", "The key is enabled."], ["Rotate…", "Rotate", "Copy it now."],
    ["Revoke…", "Revoke permanently", "can’t be restored", "Plainer"], ["Delete…", "Delete", "Deleted 1 key."], ["Restore…", "Restore", "The key is restored."],
  ]) {
    await page.goto(here);
    const beside = page.locator("main").getByRole("link", { name: link, exact: true }).filter({ visible: true });
    if (!(await beside.count())) await page.getByRole("button", { name: /Actions for/ }).click(); // the menu has what isn't beside it
    await beside.first().click();
    if (type) await page.getByRole("textbox").fill(type);
    await page.getByRole("button", { name: button, exact: true }).click();
    await page.getByText(says).first().waitFor();
  }
  c.check();
  await c.close();
});

test("without JavaScript: language and appearance", async () => {
  const c = await context(browser, { javaScriptEnabled: false });
  const page = await c.newPage();
  await signIn(page, "viewer");
  await page.getByRole("button", { name: /Signed in as/ }).click();
  await page.getByRole("button", { name: "Français" }).click();
  await page.getByRole("heading", { name: "Clés API" }).waitFor();
  await page.getByRole("button", { name: /Connecté/ }).click();
  await page.getByRole("button", { name: "Sombre" }).click();
  await page.locator("html[data-theme=dark][lang=fr]").waitFor();
  c.check();
  await c.close();
});
