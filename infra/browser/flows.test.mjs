import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, test } from "node:test";
import { api, context, keyOf, launch, newcomer, signIn } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// settled is a page's content once it no longer navigates.
async function settled(page) {
  for (let i = 0; ; i++) {
    try {
      return await page.content();
    } catch (e) {
      if (i === 50) throw e;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

// counting counts what a person presses.
const counting = (page) => {
  let clicks = 0;
  return { click: async (what) => { clicks++; await what.click(); }, get count() { return clicks; } };
};

test("from nothing to a call that answers 200, in at most 4 clicks and 60 s", async () => {
  const c = await context(browser);
  await c.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await c.newPage();
  const begin = performance.now();
  const hand = counting(page);
  await page.goto(stack().console_url);
  await hand.click(page.getByRole("link", { name: "Sign in" }));
  await hand.click(page.locator("button[value=enterprise_owner]"));
  await hand.click(page.getByRole("button", { name: "Create key: A server" }));
  await page.waitForSelector("#secret");
  await hand.click(page.locator("#panel-curl button").first());
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(command, /^curl .*X-Api-Key: ak_[0-9A-Za-z]{33}'/);
  const folder = mkdtempSync(`${tmpdir()}/curl-`);
  execFileSync("sh", ["-c", command], { cwd: folder });
  assert.equal(readFileSync(`${folder}/tile.png`).subarray(1, 4).toString(), "PNG", "the tile itself");
  rmSync(folder, { recursive: true });
  const took = performance.now() - begin;
  assert.ok(hand.count <= 4 && took < 60000, `${hand.count} clicks, ${took} ms`);
  console.log(`first key: ${hand.count} clicks, ${(took / 1000).toFixed(1)} s`);
  c.check();
  await c.close();
});

test("a newcomer gets an account in one step", async () => {
  const c = await context(browser);
  const page = await c.newPage();
  await signIn(page, newcomer());
  await page.getByLabel("Account name").fill("Maps & more");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("heading", { name: "Create your first API key" }).waitFor();
  assert.match(await page.locator(".switch").innerText(), /Maps & more/);
  c.check();
  await c.close();
});

test("the secret is shown once: not after back, reload, or in storage, history and referrers", async () => {
  const c = await context(browser);
  const page = await c.newPage();
  const sent = [];
  c.on("request", (r) => sent.push(r.url() + JSON.stringify(r.headers())));
  await signIn(page, "owner");
  await page.getByRole("link", { name: "Create API key" }).click();
  await page.getByLabel("Name").fill("Shown once");
  await page.getByLabel(/Map Display API/).check();
  await page.getByRole("button", { name: "Create API key" }).click();
  const secret = await page.locator("#secret").innerText();
  assert.match(secret, /^ak_[0-9A-Za-z]{33}$/);
  await page.reload();
  await page.getByRole("heading", { name: "Shown once", level: 1 }).waitFor(); // the key's page: nothing is sent again
  assert.ok(!(await page.content()).includes(secret), "after a reload");
  await page.getByRole("link", { name: "Edit" }).first().click();
  await page.waitForSelector("#f-name");
  await page.goBack().catch((e) => assert.match(e.message, /ERR_CACHE_MISS/)); // the browser asks before it sends a form again
  assert.ok(!(await settled(page)).includes(secret), "after going back");
  const kept = await page.goto(stack().console_url).then(() => page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])));
  assert.ok(!kept.includes("ak_"), "in storage");
  assert.ok(!sent.some((s) => s.includes(secret)), "in a request");
  c.check();
  await c.close();
});

test("a secret page that the browser keeps for the way back has forgotten it", async () => {
  const c = await context(browser);
  const page = await c.newPage();
  await signIn(page, "owner");
  await page.getByRole("link", { name: "Create API key" }).click();
  await page.getByLabel("Name").fill("Forgotten");
  await page.getByLabel(/Search API/).check();
  await page.getByRole("button", { name: "Create API key" }).click();
  const secret = await page.locator("#secret").innerText();
  const left = await page.evaluate(() => { dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })); return document.documentElement.outerHTML; });
  assert.ok(!left.includes(secret));
  await c.close();
});

test("domains are checked while they are typed, and a suggestion is one press away", async () => {
  const c = await context(browser);
  c.expect(422);
  const page = await c.newPage();
  await signIn(page, "owner");
  await page.getByRole("link", { name: "Create API key" }).click();
  await page.locator("#f-domains").fill("https://example.com/maps\n*.example.org");
  await page.getByRole("button", { name: "Use https://example.com" }).click();
  await page.locator(".checks .ok").nth(1).waitFor();
  assert.equal(await page.locator("#f-domains").inputValue(), "https://example.com\n*.example.org");
  await page.getByRole("button", { name: "Create API key" }).click();
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").innerText(), /Enter a name\.[\s\S]*Choose at least one product/);
  assert.equal(await page.locator("#f-domains").inputValue(), "https://example.com\n*.example.org", "what was typed stays");
  c.check();
  await c.close();
});

test("the answer to an earlier text never replaces that to the one that stands", async () => {
  const c = await context(browser);
  const page = await c.newPage();
  await signIn(page, "owner");
  await page.getByRole("link", { name: "Create API key" }).click();
  const path = await page.locator("[data-domains]").first().getAttribute("data-domains");
  let late;
  const first = new Promise((asked) => page.route(`**${path}`, (route) => { late ? route.continue() : asked(late = route); }));
  await page.locator("#f-domains").fill("https://example.com/maps");
  await first;
  await page.locator("#f-domains").fill("*.example.org");
  await page.locator(".checks .ok").waitFor();
  await late.continue();
  // Behind a whole answer that was asked for later, the page has seen that one, too.
  await page.evaluate(async (path) => (await fetch(path, { method: "POST", body: new URLSearchParams({ domains: "example.net" }) })).json(), path);
  assert.match(await page.locator(".checks").first().innerText(), /^\*\.example\.org\s*✓[^✕]*$/);
  c.check();
  await c.close();
});

test("a key's whole life: edit, test, rotate, extend, cancel, disable, enable, revoke, delete, restore", async () => {
  const c = await context(browser);
  c.expect(422);
  const page = await c.newPage();
  const { demo_account: account } = stack();
  const k = await keyOf(account, { name: "Whole life", usage: "frontend", domains: ["example.com"] });
  await signIn(page, "owner");
  const here = `${stack().console_url}/accounts/${account}/keys/${k.id}`;
  const dialog = page.locator("dialog[open]");
  const step = async (link, button, says) => {
    await page.goto(here);
    await page.locator("main").getByRole("link", { name: link }).first().click();
    await dialog.getByRole("button", { name: button }).click();
    await page.getByText(says).first().waitFor();
  };
  const menu = async (link, button, says, fill) => {
    await page.goto(here);
    await page.getByRole("button", { name: /Actions for/ }).click();
    await page.locator("[popover]:popover-open").getByRole("link", { name: link }).click();
    if (fill) await dialog.getByRole("textbox").fill(fill);
    await dialog.getByRole("button", { name: button }).click();
    await page.getByText(says).first().waitFor();
  };
  await page.goto(here);
  await page.getByRole("link", { name: "Edit" }).first().click();
  await page.getByLabel("Name").fill("Whole life, edited");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  for (const [asked, said] of [["https://example.com/maps", "Allowed."], ["evil.example", "Refused."], ["", "Refused."]]) {
    await page.getByLabel("Page address").fill(asked);
    await page.getByRole("button", { name: "Test" }).click();
    await page.locator("#tester").getByText(said).waitFor();
  }
  await page.goto(here);
  await page.getByRole("link", { name: "Rotate…" }).first().click();
  await dialog.getByRole("button", { name: "Rotate" }).click();
  await page.locator("#secret").waitFor();
  await step("Extend…", "Extend", "The old secret now works longer.");
  await step("Cancel rotation…", "Cancel rotation", "The rotation is cancelled.");
  await step("End now…", "End now", "The rotation has ended.");
  await menu("Disable…", "Disable", "Disabled by your team");
  await menu("Enable…", "Enable", "The key is enabled.");
  await menu("Revoke…", "Revoke permanently", "Type “Whole life, edited” to confirm.", "wrong");
  await menu("Revoke…", "Revoke permanently", "can’t be restored", "Whole life, edited");
  await menu("Delete…", "Delete", "Deleted 1 key.");
  await menu("Restore…", "Restore", "The key is restored.");
  await page.getByText("can’t be restored").waitFor(); // it comes back revoked
  await page.getByRole("link", { name: "Show changes" }).click();
  await page.getByText("Created").waitFor();
  assert.match(await page.locator("main").innerText(), /Restored[\s\S]*Deleted[\s\S]*Revoked[\s\S]*Created/);
  c.check();
  await c.close();
});

test("blocked looks different from disabled, and says who can lift it", async () => {
  const c = await context(browser);
  const page = await c.newPage();
  const { demo_account: account } = stack();
  const k = await keyOf(account, { name: "Blocked" });
  await api("operator", "POST", `/v1/operator/keys/${k.id}/block`, { reason: "Scraping <b>tiles</b>" });
  await signIn(page, "owner");
  await page.goto(`${stack().console_url}/accounts/${account}/keys/${k.id}`);
  const notice = await page.locator(".notice.bad").innerText();
  assert.match(notice, /Blocked by an operator[\s\S]*Scraping <b>tiles<\/b>[\s\S]*Only an operator can lift this/);
  assert.ok(notice.includes(k.id), "the key ID for support");
  c.check();
  await c.close();
});

test("a proposal is counted, enforced, and dropped", async () => {
  const c = await context(browser);
  const page = await c.newPage();
  const { demo_account: account } = stack();
  const k = await keyOf(account, { name: "Proposal" });
  await signIn(page, "developer");
  const here = `${stack().console_url}/accounts/${account}/keys/${k.id}`;
  for (const [link, button, says] of [["Discard…", "Discard", "The proposal was discarded."], ["Enforce…", "Enforce", "The restrictions are enforced."]]) {
    await page.goto(here);
    await page.getByRole("link", { name: "Propose…" }).click();
    await page.locator("#f-domains").fill("example.com");
    await page.getByRole("button", { name: "Propose", exact: true }).click();
    await page.getByRole("link", { name: link }).click();
    await page.locator("dialog[open]").getByRole("button", { name: button }).click();
    await page.getByText(says).waitFor();
  }
  c.check();
  await c.close();
});

test("a viewer is offered nothing that changes, and sign-out ends the session", async () => {
  const c = await context(browser);
  c.expect(401);
  const page = await c.newPage();
  await signIn(page, "viewer");
  assert.equal(await page.getByRole("link", { name: "Create API key" }).count(), 0);
  await page.locator("tbody a").first().click();
  for (const name of ["Edit", "Rotate…", "Propose…", /^Change($|…| the )/]) assert.equal(await page.getByRole("link", { name }).count(), 0, String(name));
  const deep = page.url();
  await page.getByRole("button", { name: /Signed in as/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).waitFor();
  await page.goto(deep);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.locator("button[value=viewer]").click();
  await page.waitForSelector(".facts");
  assert.equal(page.url(), deep, "back to where they wanted to go");
  c.check();
  await c.close();
});

test("search, filter, sort and pages are in the URL", async () => {
  const c = await context(browser);
  const page = await c.newPage();
  const { demo_account: account } = stack();
  for (let i = 0; i < 30; i++) await keyOf(account, { name: `Paged ${String(i).padStart(2, "0")}`, products: ["search"] });
  await signIn(page, "owner");
  await page.locator("input[name=q]").fill("paged");
  await page.getByLabel("Products").selectOption("search");
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForURL(/q=paged/);
  await page.locator("thead").getByRole("link", { name: "Name" }).click();
  await page.waitForURL(/sort=name/);
  assert.equal(await page.locator("th.name > a").first().innerText(), "Paged 00");
  await page.getByRole("link", { name: "Next page" }).click();
  await page.waitForURL(/page=/);
  assert.equal(await page.locator("th.name > a").first().innerText(), "Paged 12");
  const again = await c.newPage();
  await again.goto(page.url());
  assert.equal(await again.locator("th.name > a").first().innerText(), "Paged 12", "a link to this page shows this page");
  c.check();
  await c.close();
});
