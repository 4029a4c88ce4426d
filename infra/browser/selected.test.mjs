// Several keys of the list at the same time.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { api, context, launch, signIn } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// accountWith makes an account of its own with keys.
async function accountWith(count, body = {}) {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: `Selecting ${count} keys` });
  const keys = [];
  for (let i = 0; i < count; i++) keys.push(await api("owner", "POST", `/v1/accounts/${id}/keys`, { name: `Key ${String(i).padStart(2, "0")}`, usage: "backend", products: ["map-display"], ...body }));
  return { id, keys, now: async () => (await api("owner", "GET", `/v1/accounts/${id}/keys?sort=name&page_size=100`)).keys };
}

const counting = () => {
  let clicks = 0;
  return { click: async (what) => { clicks++; await what.click(); }, get count() { return clicks; } };
};

test("10 of 12 keys are disabled in at most 12 clicks, and enabled again by one", async () => {
  const { console_url: url } = stack();
  const a = await accountWith(12);
  const c = await context(browser);
  const page = await c.newPage();
  await signIn(page, "owner");
  await page.goto(`${url}/accounts/${a.id}/keys`);
  const hand = counting();
  for (let i = 0; i < 10; i++) await hand.click(page.getByRole("checkbox", { name: `Select Key ${String(i).padStart(2, "0")}` }));
  assert.match(await page.locator(".chosen .count").innerText(), /^Selected: 10$/);
  await hand.click(page.getByRole("button", { name: "Disable", exact: true }));
  await page.getByText("Disabled 10 keys.").waitFor();
  console.log(`10 keys disabled: ${hand.count} clicks`);
  assert.ok(hand.count <= 12, `${hand.count} clicks`);
  assert.deepEqual((await a.now()).map((k) => k.disabled), [...Array(10).fill(true), false, false]);
  await page.reload();
  assert.equal(await page.getByText("Disabled 10 keys.").count(), 0, "a reload repeats nothing");
  await page.goBack().catch(() => {});
  await page.goto(`${url}/accounts/${a.id}/keys`);
  // All of them: one press selects, and Undo is about those alone that this act has changed.
  await page.getByRole("link", { name: "Select all on this page" }).click();
  assert.match(await page.locator(".chosen .count").innerText(), /^Selected: 12$/);
  await page.getByRole("button", { name: "Disable", exact: true }).click();
  await page.getByText("Disabled 2 keys.").waitFor();
  await page.getByText("No change needed for 10 keys.").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Enabled 2 keys.").waitFor();
  assert.deepEqual((await a.now()).map((k) => k.disabled), [...Array(10).fill(true), false, false]);
  c.check();
  await c.close();
});

for (const [how, options] of [["with", {}], ["without", { javaScriptEnabled: false }]]) {
  test(`${how} JavaScript keys are selected, exported, labelled, restricted, rotated, deleted and brought back`, async () => {
    const { console_url: url } = stack();
    const a = await accountWith(4);
    const c = await context(browser, options);
    c.expect(422);
    const page = await c.newPage();
    await signIn(page, "owner");
    await page.goto(`${url}/accounts/${a.id}/keys?sort=name`);
    assert.equal(await page.locator(".chosen").isVisible(), false, "nothing is selected yet");
    await page.getByRole("link", { name: "Select all on this page" }).click();
    await page.getByRole("checkbox", { name: "Select Key 03" }).uncheck();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export CSV" }).click()]);
    const file = readFileSync(await download.path(), "utf8");
    assert.equal(file.trim().split("\n").length, 4, file);
    for (const k of a.keys) assert.ok(!file.includes(k.secret), "no secret is in the file");
    // A label for all three; one has it already, and Undo leaves it there.
    await api("owner", "PATCH", `/v1/accounts/${a.id}/keys/${a.keys[0].id}`, { labels: ["production"] }, a.keys[0].version);
    await page.getByRole("button", { name: "Add label…" }).click();
    await page.getByLabel("Label", { exact: true }).fill("production");
    await page.getByRole("button", { name: "Add label to 3 keys" }).click();
    await page.getByText("Added the label “production” to 2 keys.").waitFor();
    assert.deepEqual((await a.now()).map((k) => k.labels.length), [1, 1, 1, 0]);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Removed the label “production” from 2 keys.").waitFor();
    assert.deepEqual((await a.now()).map((k) => k.labels.length), [1, 0, 0, 0]);
    await page.getByRole("link", { name: "Select all on this page" }).click();
    await page.getByRole("checkbox", { name: "Select Key 03" }).uncheck();
    await page.getByRole("button", { name: "Add domain…" }).click();
    await page.getByText("Not restricted to any domain today: 3 keys.").waitFor();
    await page.getByLabel("Domain", { exact: true }).fill("https://shop.example/path");
    await page.getByRole("button", { name: "Add domain to 3 keys" }).click();
    await page.getByLabel("Domain", { exact: true }).fill("shop.example");
    await page.getByRole("button", { name: "Add domain to 3 keys" }).click();
    await page.getByText("Added the domain shop.example to 3 keys.").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Removed the domain shop.example from 3 keys.").waitFor();
    assert.deepEqual((await a.now()).map((k) => k.domains.length), [0, 0, 0, 0]);
    await page.getByRole("link", { name: "Select all on this page" }).click();
    await page.getByRole("checkbox", { name: "Select Key 03" }).uncheck();
    await page.getByRole("button", { name: "Rotate…" }).click();
    await page.getByRole("button", { name: "Rotate 3 keys" }).click();
    await page.getByRole("heading", { name: "New secrets" }).waitFor();
    const secrets = await page.locator(".secrets code").allInnerTexts();
    assert.equal(new Set(secrets).size, 3);
    for (const one of secrets) assert.match(one, /^ak_[0-9A-Za-z]{33}$/);
    if (how === "with") {
      assert.match(page.url(), /keys\?sort=name$/, "a reload sends nothing again");
      await page.reload();
      for (const one of secrets) assert.ok(!(await page.content()).includes(one), "no page shows a secret again");
    } else await page.getByRole("link", { name: "Back to API keys" }).or(page.locator("a.crumb")).first().click();
    await page.getByRole("link", { name: "Select all on this page" }).click();
    await page.getByRole("checkbox", { name: "Select Key 03" }).uncheck();
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("heading", { name: "Delete 3 keys?" }).waitFor();
    assert.deepEqual(await page.locator(".picked li > span").allInnerTexts(), ["Key 00", "Key 01", "Key 02"]);
    await page.getByRole("button", { name: "Delete 3 keys" }).click();
    await page.getByText("Deleted 3 keys.").waitFor();
    assert.equal((await a.now()).length, 1);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Restored 3 keys.").waitFor();
    assert.equal((await a.now()).length, 4);
    assert.match(page.url(), /sort=name/);
    c.check();
    await c.close();
  });
}
