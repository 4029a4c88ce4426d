// Nothing that was typed or shown is lost: by another language or theme, a session that ends, a colleague who is faster, or a reload.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, context, joins, keyOf, launch, signIn, until } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const keys = () => `${stack().console_url}/accounts/${stack().demo_account}/keys`;

async function open(options = {}) {
  const c = await context(browser, options);
  const page = await c.newPage();
  await signIn(page, "owner");
  return { c, page };
}

async function choose(page, name) {
  await page.locator("[popovertarget=person]").click();
  await page.locator("#person").getByRole("button", { name, exact: true }).click();
}

// fill types into every kind of field of the form for a new key.
async function fill(page) {
  await page.fill("#f-name", "Half-typed");
  await page.locator("input[name=usage][value=mobile]").check();
  await page.locator("input[name=products][value=search]").check();
  await page.fill("#f-domains", "a.example\n*.b.example");
  await page.locator("details.more summary").click();
  await page.locator("input[name=header_only]").check();
  await page.fill("#f-expires_at", "2030-01-02");
}

async function filled(page) {
  assert.deepEqual(await page.locator("form.card").evaluate((form) => Object.fromEntries(["name", "usage", "products", "domains", "header_only", "expires_at"].map((name) => [name, new FormData(form).getAll(name).join()]))),
    { name: "Half-typed", usage: "mobile", products: "search", domains: "a.example\n*.b.example", header_only: "on", expires_at: "2030-01-02" });
  assert.ok(await page.locator("#f-expires_at").isVisible(), "what is filled in isn't folded away");
}

test("another language or theme keeps the page and what was typed", async () => {
  const { c, page } = await open();
  await page.goto(`${keys()}/new`);
  await fill(page);
  await choose(page, "Dark");
  await until(page, () => document.documentElement.dataset.theme === "dark");
  assert.equal(await page.locator("#person [name=theme][value=dark]").getAttribute("aria-pressed"), "true");
  await filled(page);
  await page.keyboard.press("Escape");
  await choose(page, "Français");
  await until(page, () => document.documentElement.lang === "fr");
  assert.equal(page.url(), `${keys()}/new`);
  await filled(page);
  assert.equal(await page.evaluate(() => sessionStorage.getItem("draft")), null, "the draft is gone once it is back");
  // Of a form that was refused, too: its page is an answer to it.
  c.expect(422);
  await page.fill("#f-name", "");
  await page.locator("form.card button[type=submit]").last().click();
  await page.getByText("Saisissez un nom").first().waitFor();
  await page.fill("#f-name", "Half-typed");
  await choose(page, "English");
  await until(page, () => document.documentElement.lang === "en");
  await filled(page);
  await choose(page, "Auto");
  await until(page, () => !document.documentElement.dataset.theme);
  await page.reload();
  assert.equal(await page.inputValue("#f-name"), "", "a reload begins the form again");
  c.check();
  await c.close();
});

test("the way back to a refused form, and a reload of it, send nothing again, and find what was typed", async () => {
  const { c, page } = await open();
  c.expect(422);
  const posts = [];
  page.on("request", (request) => { const at = new URL(request.url()).pathname; if (request.method() === "POST" && at !== "/domains/check") posts.push(at); });
  const refused = async () => {
    await page.goto(`${keys()}/new`);
    await fill(page);
    await page.fill("#f-name", "");
    await page.locator("form.card button[type=submit]").last().click();
    await page.getByText("Enter a name").first().waitFor();
    await page.fill("#f-name", "Half-typed");
    posts.length = 0;
  };
  await refused();
  await page.reload();
  await filled(page);
  await page.locator("a.crumb").click();
  await page.waitForSelector("table.keys");
  await page.goBack();
  await page.waitForSelector("form.card");
  assert.equal(await page.inputValue("#f-name"), "", "a page that was asked for is as any other");
  await refused();
  await page.locator("a.crumb").click();
  await page.waitForSelector("table.keys");
  await page.goBack();
  await page.waitForSelector("form.card");
  await filled(page);
  assert.deepEqual(posts, []);
  // A link to the form begins it; and one that was sent after all leaves nothing behind.
  await refused();
  await page.goto(`${keys()}/new`);
  assert.equal(await page.inputValue("#f-name"), "");
  await refused();
  await page.fill("#f-name", "Sent after all");
  await page.locator("form.card button[type=submit]").last().click();
  await page.locator("#secret").waitFor();
  posts.length = 0;
  await page.goBack();
  await page.waitForSelector("form.card");
  assert.deepEqual([posts, await page.inputValue("#f-name"), new URL(page.url()).pathname], [[], "", new URL(keys()).pathname + "/new"]);
  // A form that is a part of a page leads back to that page.
  const whole = `/accounts/${stack().demo_account}/account/details`, called = page.locator("form[action$='/account/name'] [name=name]");
  await page.goto(stack().console_url + whole);
  await called.fill("");
  await page.locator("form[action$='/account/name'] button[type=submit]").click();
  await page.locator("[role=alert]").first().waitFor();
  assert.equal(new URL(page.url()).pathname, whole);
  await called.fill("Our maps");
  posts.length = 0;
  await page.reload();
  assert.deepEqual([posts, await called.inputValue(), await page.locator("[role=alert]").count()], [[], "Our maps", 0]);
  c.check();
  await c.close();
});

test("a secret stays where it is shown, whatever is chosen, and a reload repeats nothing", async () => {
  const { c, page } = await open();
  await page.goto(`${keys()}/new`);
  await page.fill("#f-name", "A secret to keep");
  await page.locator("input[value=search]").check();
  await page.locator("form.card button[type=submit]").last().click();
  const secret = await page.locator("#secret").textContent();
  await choose(page, "Français");
  await page.getByText("The language will change on the next page.").waitFor();
  assert.equal(await page.locator("#secret").textContent(), secret);
  assert.ok(!(await page.evaluate(() => JSON.stringify([sessionStorage, localStorage, location.href]))).includes(secret));
  const made = async () => (await api("owner", "GET", `/v1/accounts/${stack().demo_account}/keys?q=A%20secret%20to%20keep`)).keys.length;
  assert.equal(await made(), 1);
  const posts = [];
  page.on("request", (request) => { if (request.method() === "POST") posts.push(request.url()); });
  await page.reload();
  await page.getByRole("heading", { name: "A secret to keep", level: 1 }).waitFor();
  assert.deepEqual([posts, await made()], [[], 1]);
  await page.getByText("7 derniers jours").first().waitFor();
  c.check();
  await c.close();
});

test("after signing in again the form is there with its fields", async () => {
  const { c, page } = await open();
  await page.goto(`${keys()}/new`);
  await fill(page);
  const cookies = (await c.cookies()).filter((one) => one.name.startsWith("__Host-latchkey-session"));
  assert.equal(cookies.length, 1);
  await c.clearCookies({ name: cookies[0].name });
  c.expect(401);
  await page.locator("form.card button[type=submit]").last().click();
  await page.getByRole("heading", { name: "Please sign in again" }).waitFor();
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.locator(`button[name=person][value="owner"]`).click();
  await page.getByText("What you entered is back.").waitFor();
  assert.equal(page.url(), `${keys()}/new`);
  await filled(page);
  await page.locator("form.card button[type=submit]").last().click();
  await page.locator("#secret").waitFor();
  c.check();
  await c.close();
});

test("keys that are ticked in the list stay ticked in another language, and after signing in again", async () => {
  const { c, page } = await open();
  for (const name of ["0 a", "0 b", "0 c"]) await keyOf(stack().demo_account, { name });
  await page.goto(`${keys()}?sort=name`);
  const ticked = () => page.locator("form.choose [name=key]:checked").evaluateAll((boxes) => boxes.map((box) => box.value));
  const boxes = page.locator("form.choose [name=key]");
  for (const i of [0, 2]) await boxes.nth(i).check();
  const before = await ticked();
  assert.equal(before.length, 2);
  await choose(page, "Français");
  await until(page, () => document.documentElement.lang === "fr");
  await until(page, () => document.querySelector("form.choose .count b").textContent === "2");
  assert.deepEqual(await ticked(), before);
  await choose(page, "English");
  await until(page, () => document.documentElement.lang === "en");
  await until(page, () => document.querySelectorAll("form.choose [name=key]:checked").length === 2);
  const [session] = (await c.cookies()).filter((one) => one.name.startsWith("__Host-latchkey-session"));
  await c.clearCookies({ name: session.name });
  c.expect(401);
  await page.getByRole("button", { name: "Enable", exact: true }).click();
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.locator(`button[name=person][value="owner"]`).click();
  await page.getByText("What you entered is back.").waitFor();
  assert.deepEqual(await ticked(), before);
  await page.getByRole("button", { name: "Enable", exact: true }).click();
  await page.locator(".notice").first().waitFor();
  assert.deepEqual(await ticked(), [], "what was done with them is done");
  c.check();
  await c.close();
});

test("a form whose address is too long to be returned to is found again after signing in", async () => {
  const { c, page } = await open();
  const ids = [];
  for (let i = 0; i < 20; i++) ids.push((await keyOf(stack().demo_account, { name: `Long ${i}` })).id);
  const address = `${keys()}/selected/label?${ids.map((id) => `key=${id}`).join("&")}`;
  await page.goto(address);
  await page.fill("#f-labels", "tagged");
  const [session] = (await c.cookies()).filter((one) => one.name.startsWith("__Host-latchkey-session"));
  await c.clearCookies({ name: session.name });
  c.expect(401);
  await page.locator("form.card button[type=submit], main form button[type=submit]").last().click();
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.locator(`button[name=person][value="owner"]`).click();
  await page.getByText("What you entered is back.").waitFor();
  assert.deepEqual([page.url(), await page.inputValue("#f-labels")], [address, "tagged"]);
  c.check();
  await c.close();
});

test("what was typed waits for a quarter of an hour, and no longer", async () => {
  for (const [later, name] of [["14:00", "Half-typed"], ["15:30", ""]]) {
    const { c, page } = await open();
    await c.clock.install();
    await page.goto(`${keys()}/new`);
    await fill(page);
    const [session] = (await c.cookies()).filter((one) => one.name.startsWith("__Host-latchkey-session"));
    await c.clearCookies({ name: session.name });
    c.expect(401);
    await page.locator("form.card button[type=submit]").last().click();
    await page.getByRole("heading", { name: "Please sign in again" }).waitFor();
    await c.clock.fastForward(later);
    await page.getByRole("link", { name: "Sign in" }).click();
    await identify(page, "owner");
    await page.locator("#f-name").waitFor();
    assert.deepEqual([await page.inputValue("#f-name"), await draft(page)], [name, 0], `after ${later}`);
    c.check();
    await c.close();
  }
});

test("who signs in as somebody else doesn't find the form's text", async () => {
  const { c, page } = await open();
  await page.goto(`${keys()}/new`);
  await fill(page);
  const [session] = (await c.cookies()).filter((one) => one.name.startsWith("__Host-latchkey-session"));
  await c.clearCookies({ name: session.name });
  c.expect(401);
  await page.locator("form.card button[type=submit]").last().click();
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.locator(`button[name=person][value="developer"]`).click();
  await page.locator("#f-name").waitFor();
  assert.deepEqual([await page.inputValue("#f-name"), await page.inputValue("#f-domains"), await page.evaluate(() => sessionStorage.getItem("draft"))], ["", "", null]);
  c.check();
  await c.close();
});

// late sends a form whose session is over, and signs in again, to come back to it or to another page: as one of the ready-made people, or as typed.
async function late(c, page, as, to) {
  const [session] = (await c.cookies()).filter((one) => one.name.startsWith("__Host-latchkey-session"));
  await c.clearCookies({ name: session.name });
  c.expect(401);
  await page.locator("main form[method=post] button[type=submit]").last().click();
  await page.locator("[data-signin]").waitFor();
  await page.waitForLoadState(); // its script has run
  if (to) await page.goto(`${stack().console_url}/sign-in?return=${encodeURIComponent(new URL(to).pathname)}`);
  else await page.getByRole("link", { name: "Sign in" }).click();
  await identify(page, as);
  await page.locator("#person [data-who]").waitFor({ state: "attached" });
}

async function identify(page, as) {
  if (typeof as === "string") return page.locator(`button[name=person][value="${as}"]`).click();
  for (const [name, value] of Object.entries(as)) await page.fill(`input[name=${name}]`, value);
  await page.locator("form").last().getByRole("button").click();
}

const draft = (page) => page.evaluate(() => Number(sessionStorage.getItem("draft") !== null));

test("what was typed isn't kept for anybody else, wherever they land, nor found again by its author", async () => {
  const { c, page } = await open();
  await page.goto(`${keys()}/new`);
  await fill(page);
  await late(c, page, "developer", keys());
  assert.equal(await draft(page), 0, "on another page than the form's");
  await c.clearCookies();
  await page.goto(`${stack().console_url}/sign-in?return=${encodeURIComponent(new URL(`${keys()}/new`).pathname)}`);
  await identify(page, "owner");
  await page.locator("#f-name").waitFor();
  assert.equal(await page.inputValue("#f-name"), "");
  await c.close();
});

test("two people of one name and address are told apart", async () => {
  const c = await context(browser, {});
  const page = await c.newPage();
  const alike = (subject) => ({ email: "alike@example.com", subject, name: "Alex Alike" });
  await page.goto(`${stack().console_url}/sign-in?return=%2Faccounts%2Fnew`);
  await identify(page, alike("alike-one"));
  await page.fill("#f-name", "Of the first");
  await late(c, page, alike("alike-two"));
  assert.deepEqual([await page.inputValue("#f-name"), await draft(page)], ["", 0]);
  await page.fill("#f-name", "Of the second");
  await late(c, page, alike("alike-two"));
  assert.equal(await page.inputValue("#f-name"), "Of the second", "the same person has it back");
  c.check();
  await c.close();
});

test("what was typed in one account is offered in no other", async () => {
  const { c, page } = await open();
  const other = await api("owner", "POST", "/v1/accounts", { name: "Another one" });
  await page.goto(`${keys()}/new`);
  await fill(page);
  const there = `${stack().console_url}/accounts/${other.id}/keys/new`;
  await late(c, page, "owner", there);
  assert.equal(await page.inputValue("#f-name"), "");
  await page.goto(`${keys()}/new`);
  await filled(page);
  c.check();
  await c.close();
});

test("without a script the form that came too late is sent again from its own page", async () => {
  const { c, page } = await open({ javaScriptEnabled: false });
  await page.goto(`${keys()}/new`);
  await page.fill("#f-name", "Sent again");
  await page.locator("input[value=search]").check();
  const [session] = (await c.cookies()).filter((one) => one.name.startsWith("__Host-latchkey-session"));
  await c.clearCookies({ name: session.name });
  await page.locator("form.card button[type=submit]").last().click();
  const tab = c.waitForEvent("page");
  await page.getByRole("link", { name: "Sign in in another tab" }).click();
  const other = await tab;
  await other.locator(`button[name=person][value="owner"]`).click();
  await other.locator("#main h1").waitFor();
  await page.getByRole("button", { name: "Send again" }).click();
  await page.locator("#secret").waitFor();
  assert.equal((await api("owner", "GET", `/v1/accounts/${stack().demo_account}/keys?q=Sent%20again`)).keys.length, 1);
  await c.close();
});

test("a colleague's change stands beside what was typed, and saving anyway keeps what was typed", async () => {
  const key = await keyOf(stack().demo_account, { name: "Edited by two", usage: "frontend", domains: ["a.example"] });
  const path = `/v1/accounts/${stack().demo_account}/keys/${key.id}`;
  for (const javaScriptEnabled of [true, false]) {
    const { c, page } = await open({ javaScriptEnabled });
    await page.goto(`${keys()}/${key.id}/edit`);
    const mine = `Mine, ${javaScriptEnabled}`;
    await page.fill("#f-name", mine);
    const before = await api("owner", "GET", path);
    await api("owner", "PATCH", path, { name: "Theirs", domains: ["theirs.example", `of-${javaScriptEnabled}.example`] }, before.version);
    if (javaScriptEnabled) for (const [language, name] of [["fr", "Français"], ["en", "English"]]) { // what was typed comes back with the version that it is of
      await choose(page, name);
      await until(page, (language) => document.documentElement.lang === language, language);
    }
    c.expect(412);
    await page.getByRole("button", { name: "Save" }).click();
    const row = page.getByRole("row", { name: /Name/ });
    await row.getByText("Theirs").waitFor();
    await row.getByText(mine).waitFor();
    assert.equal(await page.inputValue("#f-domains"), (await api("owner", "GET", path)).domains.join("\n"), "what only they have changed is taken over");
    await page.getByRole("button", { name: "Save anyway" }).click();
    await page.getByRole("heading", { name: mine, level: 1 }).waitFor();
    const saved = await api("owner", "GET", path);
    assert.deepEqual([saved.name, saved.domains.includes("theirs.example")], [mine, true]);
    c.check();
    await c.close();
  }
});

// sends is what each form of the page would send, in the page's order, but for the key of its request, which is another each time.
const sends = (page) => page.locator("main form").evaluateAll((forms) => forms.map((form) => [form.getAttribute("action"), ...[...new FormData(form)].filter(([name]) => name !== "idempotency").map(String)]));

async function inFrench(page) {
  await choose(page, "Français");
  await until(page, () => document.documentElement.lang === "fr");
}

// people makes an account with a developer and a viewer beside its owner, and opens its page.
async function people() {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: "With rows" });
  for (const person of ["developer", "viewer"]) await joins(id, person);
  const { c, page } = await open(), path = `/accounts/${id}/account`;
  await page.goto(stack().console_url + path);
  const { members } = await api("owner", "GET", `/v1/accounts/${id}/members`);
  const of = (role) => members.find((one) => one.role === role);
  const row = (member) => page.locator(`form[action$="/role"]:has([name=subject][value="${member.subject}"])`);
  return { c, page, path, developer: of("developer"), viewer: of("viewer"), row };
}

test("each of several forms of one action has its own text back, and sends what it is about", async () => {
  const { c, page, row, viewer, developer } = await people();
  await row(viewer).locator("select").selectOption("owner");
  const before = await sends(page);
  assert.equal(new Set(before.map(([action]) => action)).size < before.length, true, "several forms share an action");
  await inFrench(page);
  assert.deepEqual(await sends(page), before);
  await row(developer).locator("select").selectOption("viewer");
  const both = await sends(page);
  await choose(page, "English");
  await until(page, () => document.documentElement.lang === "en");
  assert.deepEqual(await sends(page), both);
  c.check();
  await c.close();
});

test("a row that has changed keeps what it was, to be told so; one that another takes the place of doesn't get its text, and nobody else's", async () => {
  const { c, page, path, row, viewer, developer } = await people();
  const role = (member, role) => api("owner", "PUT", `/v1${path.replace(/account$/, "members")}/${encodeURIComponent(member.subject)}`, { role });
  await row(viewer).locator("select").selectOption("owner");
  await row(developer).locator("select").selectOption("viewer");
  await role(developer, "owner");
  await inFrench(page);
  const shown = (member) => row(member).evaluate((form) => [form.elements.was.value, form.elements.role.value]);
  assert.deepEqual([await shown(viewer), await shown(developer)], [["viewer", "owner"], ["developer", "viewer"]], "what was chosen is of the row as it was");
  await row(viewer).locator("select").selectOption("developer");
  await api("owner", "DELETE", `/v1${path.replace(/account$/, "members")}/${encodeURIComponent(developer.subject)}`);
  await choose(page, "English");
  await until(page, () => document.documentElement.lang === "en");
  assert.deepEqual([await shown(viewer), await row(developer).count()], [["viewer", "developer"], 0]);
  c.check();
  await c.close();
});

test("after signing in again a row has its text back, and no other", async () => {
  const { c, page, row, viewer, developer } = await people();
  await row(viewer).locator("select").selectOption("developer");
  const before = await sends(page);
  const [session] = (await c.cookies()).filter((one) => one.name.startsWith("__Host-latchkey-session"));
  await c.clearCookies({ name: session.name });
  c.expect(401);
  await row(viewer).getByRole("button").click();
  await page.getByRole("link", { name: "Sign in" }).click();
  await identify(page, "owner");
  await page.getByText("What you entered is back.").waitFor();
  assert.deepEqual(await sends(page), before);
  await row(viewer).getByRole("button").click();
  await until(page, (subject) => [...document.forms].some((form) => form.elements.subject?.value === subject && form.elements.was?.value === "developer"), viewer.subject);
  assert.equal(await row(developer).locator("[name=was]").inputValue(), "developer", "only the row that was changed has changed");
  c.check();
  await c.close();
});

test("forms that differ in their fields alone have their text back: of a first key, and of quotas", async () => {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: "Without keys" });
  const owner = await open();
  await owner.page.goto(`${stack().console_url}/accounts/${id}/keys`);
  for (const [name, text] of [["domains", "a.example"], ["apps", "ios com.example.app"], ["networks", "203.0.113.7"]]) await owner.page.fill(`#f-${name}`, text);
  const operator = await context(browser), quotas = await operator.newPage();
  await signIn(quotas, "operator", `/operator/accounts/${id}/limits`);
  const days = quotas.locator("[action*='/quotas/'] [name=day]");
  for (const i of [1, 3]) await days.nth(i).fill(`${10 + i}`);
  for (const [c, page] of [[owner.c, owner.page], [operator, quotas]]) {
    const before = await sends(page);
    assert.ok(before.length > 2);
    await inFrench(page);
    assert.deepEqual(await sends(page), before);
    c.check();
    await c.close();
  }
});

test("what is typed and ticked for a domain is back, in another language and after signing in again", async () => {
  const key = await keyOf(stack().demo_account, { name: "Ticked", usage: "frontend", domains: ["has.example"] });
  const { c, page } = await open(), root = `${stack().console_url}/accounts/${stack().demo_account}/domains`;
  await page.goto(`${root}/one?domain=has.example`);
  await page.fill("#f-with", "next.example");
  await page.locator(`[action$='/unlink'] [value='${key.id}']`).check();
  const one = await sends(page);
  await inFrench(page);
  assert.deepEqual(await sends(page), one);
  await page.goto(`${root}/new?find=Ticked`); // the account may have more keys than the page shows
  await choose(page, "English");
  await until(page, () => document.documentElement.lang === "en");
  await page.fill("#f-domain", "new.example");
  await page.locator(`[value='${key.id}']`).check();
  const before = await sends(page);
  await late(c, page, "owner");
  await page.getByText("What you entered is back.").waitFor();
  assert.deepEqual(await sends(page), before);
  c.check();
  await c.close();
});

test("another language stays on a page whose address is long", async () => {
  const { id } = await keyOf(stack().demo_account, { name: "Of a long address", usage: "mobile" });
  const { c, page } = await open();
  for (const path of [`/keys/${id}/try?${new URLSearchParams({ origin: "", address: "2001:db8:1234:5678:9abc:def0:1234:5678", app: "android com.example.app DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09" })}`, `/keys?label=${encodeURIComponent("متجر الخرائط كبير")}`]) {
    await page.goto(`${stack().console_url}/accounts/${stack().demo_account}${path}`);
    await inFrench(page);
    const { pathname, searchParams } = new URL(page.url()), asked = new URL(`${stack().console_url}/accounts/${stack().demo_account}${path}`);
    assert.deepEqual([pathname, [...searchParams].sort()], [asked.pathname, [...asked.searchParams].sort()]);
    await choose(page, "English");
    await until(page, () => document.documentElement.lang === "en");
  }
  c.check();
  await c.close();
});
