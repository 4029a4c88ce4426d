// What the console's scripts do that the other suites never ask of them: coverage.mjs lists it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { api, briefly, context, keyOf, launch, signIn, tile, until } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser, key;
const root = () => `${stack().console_url}/accounts/${stack().demo_account}`;

before(async () => {
  browser = await launch();
  key = await keyOf(stack().demo_account, { name: "Scripts", usage: "frontend" });
  for (let i = 0; i < 120 && !(await api("owner", "GET", `/v1/accounts/${stack().demo_account}/usage`)).totals.requests; i++) {
    await tile(stack().demo_secret); // what was just counted is reported with a later call
    await new Promise((done) => setTimeout(done, 500));
  }
});
after(() => browser.close());

async function open(path, options = {}) {
  const c = await context(browser, options);
  const page = await c.newPage();
  await signIn(page, "owner");
  await page.goto(root() + path);
  return { c, page, done: async () => { c.check(); await c.close(); } };
}

// drawn gives a chart so many bars with calls, whatever was counted: each has its number plus one, written as the chart does, in base 36.
const drawn = (page, count) => page.route("**/usage?*", async (route) => {
  const answer = await route.fetch();
  const text = (await answer.text()).replace(/data-values="[^"]*"/g, `data-values="${[...Array(count).keys()].map((i) => `${(i + 1).toString(36)},0`).join(" ")}"`);
  await route.fulfill({ response: answer, body: text });
});

test("keys move over a chart by bars, by days and to its ends, and not beyond them", async () => {
  const { page, done } = await open("/usage?range=7d", { timezoneId: "UTC" });
  await drawn(page, 168);
  await page.goto(`${root()}/usage?range=7d`);
  await page.locator(".frame").first().focus();
  const said = async (...keys) => {
    for (const one of keys) await page.keyboard.press(one);
    return Number(/Requests ([\d,]+)/.exec(await page.locator("#say").innerText())[1].replace(",", ""));
  };
  assert.equal(await said("ArrowLeft"), 168, "the first key selects the last bar");
  assert.equal(await said("ArrowRight"), 168);
  assert.equal(await said("PageUp"), 144);
  assert.equal(await said("ArrowLeft"), 143);
  assert.equal(await said("PageDown"), 167);
  assert.equal(await said("Home"), 1);
  assert.equal(await said("ArrowLeft"), 1);
  assert.equal(await said("PageUp"), 1);
  assert.equal(await said("End"), 168);
  assert.match(await page.locator("#say").innerText(), /\d\d:\d\d–\d\d:\d\d UTC/, "with UTC said once, where the browser's zone is UTC");
  await page.keyboard.press("Tab");
  assert.equal(await page.locator(".readout").count(), 0, "who leaves the chart leaves its cursor");
  await done();
});

test("a week is named from its first day to its last, and one that is cut says so", async () => {
  const { page, done } = await open("/usage?range=13mo", { timezoneId: "Asia/Kolkata" });
  await page.locator(".frame").first().focus();
  await page.keyboard.press("End");
  assert.match(await page.locator("#say").innerText(), /^\d+ \w+ – \d+ \w+ \d{4}, .*so far: /i);
  await page.keyboard.press("Home");
  const words = await page.locator(".charts").evaluate((e) => [e.dataset.partial.split(" ").includes("0"), e.dataset.cut]);
  assert.equal((await page.locator("#say").innerText()).includes(words[1]), words[0]);
  await done();
});

test("a day has its own date in every zone, and so has the day to which it leads", async () => {
  for (const timezoneId of ["America/Los_Angeles", "Pacific/Kiritimati"]) {
    const { page, done } = await open("/usage?range=30d", { timezoneId });
    await page.locator(".frame").first().focus();
    await page.keyboard.press("End");
    const day = new Date(1000 * await page.locator(".charts").evaluate((e) => Number(e.dataset.start) + (e.querySelector(".chart").dataset.values.split(" ").length - 1) * e.dataset.step));
    assert.match(await page.locator("#say").innerText(), new RegExp(`^0?${day.getUTCDate()} \\w+ ${day.getUTCFullYear()}, `), timezoneId);
    await page.keyboard.press("Enter");
    await page.waitForURL(`**from=${day.toISOString().slice(0, 10)}*`);
    await done();
  }
});

test("the list of keys opens and closes by keyboard, and its ends meet the field", async () => {
  const { page, done } = await open("/usage");
  const field = page.locator("#f-find"), list = page.locator("#found");
  await field.focus();
  await page.keyboard.press("ArrowDown");
  await list.locator("[role=option]").first().waitFor();
  assert.equal(await field.getAttribute("aria-expanded"), "true");
  await page.keyboard.press("ArrowUp");
  assert.equal(await field.getAttribute("aria-activedescendant"), await list.locator("[role=option]").last().getAttribute("id"), "up from the field is the last one");
  await page.keyboard.press("ArrowDown");
  assert.equal(await field.getAttribute("aria-activedescendant"), await list.locator("[role=option]").last().getAttribute("id"), "and there is none after it");
  await page.keyboard.press("Escape");
  assert.deepEqual([await list.isHidden(), await field.getAttribute("aria-expanded"), await field.getAttribute("aria-activedescendant")], [true, "false", null]);
  await page.keyboard.type("no such key at all");
  await until(page, () => document.getElementById("say").textContent === document.querySelector(".chooser").dataset.none);
  assert.equal(await list.locator("[role=option]").count(), 0);
  assert.equal(await list.innerText(), await page.locator("#say").innerText(), "that there is none is seen and said");
  await done();
});

// held stops the answers to what is asked for the list of keys, until each is let through with so many keys.
async function held(page) {
  const asked = [], waiting = [];
  await page.route("**/usage/keys", (route) => { (waiting.shift() ?? ((one) => asked.push(one)))(route); });
  return () => (asked.length ? Promise.resolve(asked.shift()) : new Promise((next) => waiting.push(next)));
}
const keys = (...names) => names.map((name) => ({ id: `key_${name}`, name, preview: "ak_1" }));
// answered lets one through and returns when the page has seen it: behind a whole answer that was asked for later.
async function answered(page, route, json, more) {
  await route.fulfill({ json, headers: more ? { "X-More": "true" } : {} });
  await page.evaluate(async (path) => (await fetch(path)).text(), new URL(page.url()).pathname);
}

test("the answer to an earlier text never replaces the list of the one that stands, nor opens one that was closed", async () => {
  const { page, done } = await open("/usage");
  await page.clock.install();
  await page.goto(`${root()}/usage`);
  await page.clock.pauseAt(new Date(Date.now() + 60_000));
  const next = await held(page), field = page.locator("#f-find"), list = page.locator("#found");
  const type = async (text) => { await field.fill(text); await page.clock.runFor(150); return next(); };
  await field.focus();
  const first = await type("a"), second = await type("ab");
  await answered(page, second, keys("second"));
  await list.getByText("second").waitFor();
  await answered(page, first, keys("first"));
  assert.equal(await list.locator("[role=option] bdi").allInnerTexts().then(String), "second");

  const third = await type("abc");
  await field.fill("abcd"); // the next question isn't asked yet
  await answered(page, third, keys("third"));
  assert.equal(await list.isHidden(), true, "the answer is about what was there before");
  await page.clock.runFor(150);
  await answered(page, await next(), keys("fourth"));
  await list.getByText("fourth").waitFor();

  const fifth = await type("abcde");
  await field.press("Escape");
  await answered(page, fifth, keys("fifth"));
  assert.equal(await list.isHidden(), true, "it was closed");
  await done();
});

test("a list of keys that isn't whole says so, in the list and to those who hear it", async () => {
  const { page, done } = await open("/usage");
  const next = await held(page), field = page.locator("#f-find"), list = page.locator("#found"), say = page.locator("#say");
  const names = [...Array(20).keys()].map((n) => `Key ${n + 1}`);
  await field.focus();
  for (const [text, answer, more, seen, heard] of [
    ["k", keys(...names), true, /^Only the first keys are shown\. Type more of the name to narrow the list\.$/, /^Keys found: 20\+\. Only the first keys/],
    ["ke", keys(...names), false, null, /^Keys found: 20$/],
    ["nothing", [], true, /^No match among the keys searched\. Enter the full key ID/, /^No match among the keys searched\. Enter/],
    ["none", [], false, /^No matching keys$/, /^No matching keys$/],
  ]) {
    await field.fill(text);
    await answered(page, await next(), answer, more);
    await list.waitFor();
    const notes = await list.locator(".empty").allInnerTexts();
    if (seen) assert.match(notes.join("\n"), seen);
    else assert.deepEqual(notes, []);
    assert.match(await say.innerText(), heard);
    assert.equal(await list.locator("[role=option]").count(), answer.length);
  }
  await done();
});

test("clearing a selection counts none, and leads to the first key", async () => {
  const { page, done } = await open("/keys");
  const count = () => page.locator(".chosen .count b").innerText(), boxes = page.locator("form.choose [name=key]");
  assert.equal(await count(), "0");
  await boxes.nth(1).check();
  await page.locator('form.choose a[href*="/keys/key_"]:not([href*="/reveal"])').first().click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.goBack();
  assert.equal(Number(await count()), await boxes.evaluateAll((all) => all.filter((box) => box.checked).length), "back on the list it is of what is ticked there");
  await page.reload();
  await boxes.nth(1).check();
  assert.equal(await count(), "1");
  await page.locator("[data-all]").click();
  assert.equal(Number(await count()), await boxes.count());
  await page.locator(".chosen [type=reset]").click();
  await until(page, () => document.activeElement.name === "key");
  assert.equal(await count(), "0");
  assert.equal(await boxes.first().evaluate((box) => box === document.activeElement && !box.checked), true);
  await done();
});

test("the note of a leaked secret comes and goes with the reason, and takes the grace along", async () => {
  const { page, done } = await open(`/keys/${key.id}/rotate`);
  const note = page.locator("#leaked-note"), grace = page.locator("#f-grace_seconds"), reason = page.locator("#f-reason");
  assert.ok(await note.isHidden());
  await reason.selectOption("leaked");
  assert.deepEqual([await note.isVisible(), await grace.inputValue()], [true, "0"]);
  await reason.selectOption("scheduled");
  assert.deepEqual([await note.isHidden(), await grace.inputValue()], [true, "86400"]);
  await grace.selectOption("3600");
  await reason.selectOption("other");
  assert.equal(await grace.inputValue(), "3600", "what was chosen stays");
  await done();
});

test("a reload of a page with a new secret says once that it is gone", async () => {
  const { id } = await keyOf(stack().demo_account, { name: "Reloaded" });
  const { page, done } = await open(`/keys/${id}/rotate`), gone = page.getByText("The secret was shown once and can’t be shown again.");
  await page.locator("main").getByRole("button", { name: "Rotate", exact: true }).click();
  await page.locator("#secret").waitFor();
  await page.reload();
  await gone.waitFor();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Reloaded" }).waitFor();
  assert.equal(await gone.count(), 0);
  await done();
});

test("what was typed waits a quarter of an hour, and no longer", async () => {
  for (const [minutes, name] of [[14, "Half-typed"], [16, ""]]) {
    const { page, done } = await open("/keys/new");
    await page.fill("#f-name", "Half-typed");
    await page.locator("[popovertarget=person]").click();
    await page.route("**/preferences", (route) => route.fulfill({ status: 204, headers: { Location: new URL(page.url()).pathname } }));
    await page.addInitScript((later) => {
      const now = Date.now;
      Date.now = () => now() + later;
    }, minutes * 60_000);
    await page.locator("#person").getByRole("button", { name: "Français", exact: true }).click();
    await until(page, () => sessionStorage.getItem("draft") === null && Date.now() - performance.timeOrigin > 60_000); // the script has run
    assert.equal(await page.locator("#f-name").inputValue(), name, `after ${minutes} minutes`);
    assert.equal(await page.evaluate(() => sessionStorage.getItem("draft")), null);
    await done();
  }
});

test("a first call that is refused, or has no answer, says so", async () => {
  for (const [answer, said, text] of [
    [(route) => route.fulfill({ status: 403, headers: { "Access-Control-Allow-Origin": "*" }, contentType: "application/json", body: '{"code":"domain_not_allowed"}' }), "403", '{"code":"domain_not_allowed"}'],
    [(route) => route.abort(), null, ""],
  ]) {
    const { c, page } = await open(`/keys/${key.id}/try`);
    await page.route(`${stack().products_url}/**`, answer);
    await page.getByLabel("API key").fill(key.secret);
    await page.getByRole("button", { name: "Try it" }).click();
    const card = page.locator("[data-call]");
    await card.waitFor();
    const [no, error] = await card.evaluate((e) => [e.dataset.no, e.dataset.error]);
    await page.getByText(said ? no.replace("{status}", said) : error).waitFor();
    assert.equal(await page.locator("pre.answer").textContent(), text);
    assert.ok(await page.locator("canvas").isHidden());
    await c.close();
  }
});

test("of many domains the problems are listed, and how many are fine", async () => {
  const { page, done } = await open("/keys/new");
  await page.fill("#f-domains", "a.example b.example c.example d.example e.example f.example *.x");
  const checks = page.locator(".checks li");
  await until(page, () => document.querySelectorAll(".checks li").length === 2);
  assert.match(await checks.first().innerText(), /\*\.x.*✕/s);
  assert.equal(await checks.last().innerText(), `✓ ${(await page.locator("[data-domains]:has(#f-domains)").getAttribute("data-count")).replace("{n}", "6")}`);
  assert.equal(await page.locator("#f-domains").getAttribute("aria-invalid"), "true");
  await page.fill("#f-domains", "");
  await until(page, () => !document.querySelector(".checks li"));
  assert.equal(await page.locator("#f-domains").getAttribute("aria-invalid"), "false");
  await done();
});

test("a dialog closes by a click beside it, and says in itself that nothing was sent", async () => {
  const { c, page } = await open(`/keys/${key.id}`);
  const link = page.locator(".actions a[href$='/rotate'], a.button[href$='/rotate']").first();
  await link.click();
  await page.locator("dialog[open]").waitFor();
  await page.mouse.click(3, 300);
  await until(page, () => !document.querySelector("dialog"));
  assert.ok(await link.evaluate((e) => e === document.activeElement), "the focus comes back");
  const policy = page.locator("a[href$='/policy']").first();
  await policy.click();
  await page.locator("dialog[open] #f-every_days").fill("30");
  await page.route("**/policy", (route) => (route.request().method() === "POST" ? route.abort() : route.continue()));
  for (let i = 0; i < 2; i++) {
    await page.locator("dialog button[type=submit]").click();
    await page.locator("dialog .failed[role=alert]").waitFor();
  }
  assert.equal(await page.locator("dialog .failed").count(), 1, "once, however often it failed");
  assert.equal(await page.locator("dialog #f-every_days").inputValue(), "30", "what was typed is there");
  await c.close();
});

test("where the clipboard is shut a kept secret is shown instead, and an invitation's link stands on its page", async () => {
  const { id } = await keyOf(stack().demo_account, { name: "Kept", recoverable: true });
  const { c, page, done } = await open(`/keys?q=Kept`);
  await c.addInitScript(() => { navigator.clipboard.write = () => Promise.reject(new Error("shut")); });
  await page.reload();
  await page.getByRole("link", { name: /^Copy the secret .*: Kept$/ }).click();
  await page.waitForURL(`**/keys/${id}/reveal`);
  assert.ok(!/ak_[0-9A-Za-z]{33}/.test(await page.content()), "only the question yet");
  await page.goto(root() + "/account");
  await page.getByRole("button", { name: "Create and copy link" }).click();
  assert.match(await page.locator("#invitation-link").innerText(), /\/invitations#lki_/);
  assert.equal(await page.locator("[data-once] .said").count(), 0, "nobody says that it was copied");
  assert.ok(await page.locator("[data-once] [data-copy-of]").isVisible());
  await done();
});

test("an invitation that is refused says why where it was typed, and is made as soon as that is fixed", async () => {
  const { c, page, done } = await open("/account");
  await c.grantPermissions(["clipboard-read", "clipboard-write"]);
  c.expect(422);
  await page.locator("#f-email").fill("nobody");
  await page.getByRole("button", { name: "Create and copy link" }).click();
  await page.locator("[role=alert]").waitFor();
  assert.equal(await page.locator("#f-email").inputValue(), "nobody");
  await page.locator("#f-email").fill("somebody@example.com");
  await briefly(page.locator("[data-once] .said"), () => page.getByRole("button", { name: "Create and copy link" }).dblclick());
  assert.equal(await page.getByText("somebody@example.com", { exact: true }).count() > 0, true);
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await page.locator("#invitation-link").innerText());
  const { invitations } = await api("owner", "GET", `/v1/accounts/${stack().demo_account}/invitations`);
  assert.equal(invitations.filter((one) => one.email === "somebody@example.com").length, 1, "pressed twice, made once");
  await done();
});

test("what leads back to the list of keys leads to it as it was seen", async () => {
  const { page, done } = await open("/keys?q=Scripts&sort=name");
  await page.getByRole("link", { name: "Scripts", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Scripts" }).waitFor();
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Nothing was changed.").waitFor();
  await page.locator("main .crumb").click();
  await page.waitForURL("**/keys?q=Scripts&sort=name");
  await page.getByRole("link", { name: "Reset" }).click();
  await page.waitForURL("**/keys");
  await done();
});

test("the console opens where it was left", async () => {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: "Used last" });
  const { page, done } = await open("/usage");
  await page.locator("[popovertarget=accounts]").click();
  await page.locator("#accounts").getByText("Used last").click();
  await page.waitForURL(`**/accounts/${id}/usage*`);
  await page.goto(stack().console_url);
  await page.waitForURL(`**/accounts/${id}/keys`);
  await done();
});

test("the entries of a list are parted by the commas and semicolons of each language", async () => {
  const { page, done } = await open("/keys/new");
  const items = (name) => page.locator(`[data-domains]:has(#f-${name}) .checks li`);
  await page.fill("#f-domains", "a.example، *.x؛b.example;c.example,d.example");
  await until(page, () => document.querySelectorAll("[data-domains]:has(#f-domains) .checks li").length === 5);
  await page.locator("details.more summary").click();
  for (const [name, typed, said] of [["networks", "203.0.113.0/24،192.0.2.1/24", "192.0.2.0/24"], ["apps", "ios com.example.a، com.example.b", "ios com.example.b"]]) {
    await page.fill(`#f-${name}`, typed);
    await items(name).nth(1).getByRole("button", { name: said }).click();
    assert.equal(await page.inputValue(`#f-${name}`), typed.replace(/(?<=، ?)[^، ].*/, said), "the entry alone is replaced");
  }
  await done();
});

test("every script does without the elements that it is for", async () => {
  const { page, done } = await open("/keys");
  await page.goto(`${stack().console_url}/sessions`);
  const assets = fileURLToPath(new URL("../../functions/console/assets", import.meta.url)), names = readdirSync(assets).filter((name) => name.endsWith(".js"));
  assert.ok(names.length > 7);
  for (const name of names) {
    const sum = createHash("sha256").update(readFileSync(join(assets, name))).digest("hex").slice(0, 10);
    await page.evaluate((src) => import(src), `/assets/${name.replace(".js", `.${sum}.js`)}`);
  }
  await done();
});

test("a self-serve account reads how to ask for a higher limit", async () => {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: "Self-serve" });
  const { page, done } = await open("/keys");
  await page.goto(`${stack().console_url}/accounts/${id}/qps-requests/new`);
  await page.locator("#main h2").waitFor();
  assert.equal(await page.locator("main form").count(), 0);
  await page.waitForLoadState("networkidle");
  await done();
});
