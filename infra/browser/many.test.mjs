// More keys than a page has: all that match are one act, and so is its Undo. On a key's own page there is Undo too.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, context, keyOf, launch, signIn } from "./browser.mjs";
import { fresh, stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const ways = [["with", {}], ["without", { javaScriptEnabled: false }]];
const disabledIn = async (id) => (await Promise.all(["shop", "depot"].map(async (q) => (await api("owner", "GET", `/v1/accounts/${id}/keys?q=${q}&page_size=100`)).keys.filter((k) => k.disabled).length)));

async function accountOf(counts) {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: "Many keys" });
  await api("operator", "PATCH", `/v1/accounts/${id}`, { key_limit: 200 });
  for (const [name, n] of Object.entries(counts)) for (let i = 0; i < n; i++) await keyOf(id, { name: `${name} ${String(i).padStart(3, "0")}` });
  return id;
}

for (const [how, options] of ways) {
  test(`${how} JavaScript all keys that match are selected, disabled and enabled again by Undo, and no other key`, async () => {
    const id = await accountOf({ Shop: 30, Depot: 3 });
    const c = await context(browser, options);
    const page = await c.newPage();
    await signIn(page, "owner");
    await page.goto(`${stack().console_url}/accounts/${id}/keys`);
    await page.getByRole("searchbox").fill("shop");
    await page.getByRole("search").getByRole("button", { name: "Search" }).click();
    await page.waitForURL(/q=shop/);
    await page.getByRole("link", { name: "Select all 30 keys" }).click();
    await page.waitForURL(/size=100/);
    assert.equal(await page.locator("[name=key]:checked").count(), 30);
    if (how === "with") assert.match(await page.locator(".chosen .count").innerText(), /^Selected: 30$/);
    await page.getByRole("checkbox", { name: "Shop 007" }).uncheck();
    await page.getByRole("button", { name: "Disable", exact: true }).click();
    await page.getByText("Disabled 29 keys.").waitFor();
    assert.deepEqual(await disabledIn(id), [29, 0]);
    assert.equal(await page.locator(".lean li.disabled").count(), 29, "the page shows it");
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Enabled 29 keys.").waitFor();
    assert.deepEqual(await disabledIn(id), [0, 0]);
    // A name leads to its key, and back to the list as it was, without the selection.
    await page.getByRole("link", { name: "Shop 010" }).click();
    await page.getByRole("heading", { name: "Shop 010" }).waitFor();
    await page.locator("a.crumb").click();
    await page.waitForURL(/size=100/);
    assert.ok(!page.url().includes("select="), page.url());
    assert.equal(await page.locator("[name=key]:checked").count(), 0);
    await page.getByRole("link", { name: "Show 12 per page, with details" }).click();
    assert.equal(await page.locator("tbody [name=key]").count(), 12);
    c.check();
    await c.close();
  });

  test(`${how} JavaScript an account of 120 keys is two pages of 100, and 100 of them are labelled and rotated in parts`, async () => {
    const id = await accountOf({ Shop: 120 });
    const c = await context(browser, options);
    const page = await c.newPage();
    await signIn(page, "owner");
    await page.goto(`${stack().console_url}/accounts/${id}/keys?sort=name`);
    await page.getByRole("link", { name: "Show 100 per page" }).click();
    await page.getByText("1–100 of 120 keys").waitFor();
    await page.getByText("You can change up to 100 keys at a time.").waitFor();
    await page.getByRole("link", { name: "Next page" }).click();
    await page.getByText("101–120 of 120 keys").waitFor();
    await page.getByText("Page 2 of 2").waitFor();
    await page.goto(`${stack().console_url}/accounts/${id}/keys?sort=name`);
    await page.getByRole("link", { name: "Select the first 100 keys" }).click();
    await page.getByRole("button", { name: "Rotate…" }).click();
    await page.getByText("Up to 25 keys are rotated at a time").waitFor();
    assert.equal(await page.locator(".picked li").count(), 25);
    await page.getByRole("link", { name: "Cancel" }).click();
    await page.getByRole("link", { name: "Select all on this page" }).click();
    await page.getByRole("button", { name: "Add label…" }).click();
    await page.getByLabel("Label", { exact: true }).fill("winter");
    await page.getByRole("button", { name: "Add label to 100 keys" }).click();
    for (let i = 0; how === "without" && i < 9 && (await page.getByRole("button", { name: "Continue" }).count()); i++) await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("Added the label “winter” to 100 keys.").waitFor();
    assert.equal((await api("owner", "GET", `/v1/accounts/${id}/keys?label=winter`)).matching, 100);
    c.check();
    await c.close();
  });

  test(`${how} JavaScript what was done to a key on its own page is undone there`, async () => {
    const id = await accountOf({ Shop: 1 });
    const [{ id: key }] = (await api("owner", "GET", `/v1/accounts/${id}/keys`)).keys;
    const now = () => api("owner", "GET", `/v1/accounts/${id}/keys/${key}`);
    const here = `${stack().console_url}/accounts/${id}/keys/${key}`;
    const c = await context(browser, options);
    const page = await c.newPage();
    await signIn(page, "owner");
    await page.goto(`${here}/disable`);
    await page.getByRole("button", { name: "Disable", exact: true }).click();
    await page.getByText("The key is disabled.").waitFor();
    assert.equal((await now()).disabled, true);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("The key is enabled.").waitFor();
    assert.equal(page.url(), here);
    assert.equal((await now()).disabled, false);
    await page.goto(`${here}/edit`);
    await page.getByLabel(/^Labels/).fill("winter");
    await page.locator("form[action$='/edit'] button[type=submit]").last().click();
    await page.getByText("The key now has the label “winter”.").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("The key no longer has the label “winter”.").waitFor();
    assert.deepEqual((await now()).labels, []);
    await page.reload();
    assert.equal(await page.getByRole("button", { name: "Undo" }).count(), 0, "a reload says nothing again");
    await page.goto(`${here}/delete`);
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("Deleted 1 key.").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Restored 1 key.").waitFor();
    assert.equal((await now()).status, "active");
    c.check();
    await c.close();
  });
}

// So few changes a second take longer than a request may last. It is for the long form: a stack of its own, and a minute.
test("an act that takes longer than a request goes on by itself, and its Undo is of all", { skip: process.env.LATCHKEY_DEEP !== "1" }, () => fresh(async (file) => {
  const before = process.env.STACK;
  process.env.STACK = file;
  try {
    const { id } = await api("owner", "POST", "/v1/accounts", { name: "Slow" });
    await api("operator", "PATCH", `/v1/accounts/${id}`, { key_limit: 200 });
    for (let i = 0; i < 20;) await keyOf(id, { name: `Shop ${i}` }).then(() => i++, () => new Promise((done) => setTimeout(done, 200)));
    const c = await context(browser);
    const page = await c.newPage();
    await signIn(page, "owner");
    const rounds = [];
    page.on("request", (request) => { if (request.method() === "POST" && request.url().includes("/selected/")) rounds.push(request.url().split("/").pop()); });
    await page.goto(`${stack().console_url}/accounts/${id}/keys`);
    await page.getByRole("link", { name: "Select all 20 keys" }).click();
    await page.getByRole("button", { name: "Disable", exact: true }).click();
    await page.getByText("Disabled 20 keys.").waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Enabled 20 keys.").waitFor({ timeout: 60_000 });
    console.log(`20 keys and Undo: ${rounds.join(", ")}`);
    assert.ok(rounds.filter((one) => one === "disable").length > 1 && rounds.filter((one) => one === "enable").length > 1, rounds.join(", "));
    assert.equal((await api("owner", "GET", `/v1/accounts/${id}/keys?status=active`)).matching, 20);
    c.check();
    await c.close();
  } finally {
    process.env.STACK = before;
  }
}, { LATCHKEY_PARAM_ChangesPerSecond: "2" }));
