// Every page and state of the console, for the tests of appearance and for the screenshots. states(prepared) lists them:
// { name, person, open(page), status? }. open gets a page on which the person is signed in. pictures.json names those of which pictures are
// taken, below the pages that they show.
import { api, counted, keyOf, tile, unagreed } from "./browser.mjs";
import { limitStates, prepareLimits } from "./limit-pages.mjs";
import { dialog, to } from "./opening.mjs";
import { operatingStates, prepareOperating } from "./operating-pages.mjs";
import { stack } from "./stack.mjs";

const day = 86400;

// prepare makes the keys that the states show. It may run twice.
export async function prepare() {
  const { demo_account: account } = stack();
  const made = {};
  const make = async (name, body) => { made[name] = await keyOf(account, body); return made[name]; };
  const at = (k, rest) => `/v1/accounts/${account}/keys/${k.id}${rest}`;
  await make("backend", { name: "Routing back end", products: ["routing", "search"], recoverable: true });
  await make("open", { name: "Landing page", usage: "frontend", products: ["map-display", "maps-sdk-web"] });
  await make("site", { name: "Web shop, store finder", usage: "frontend", products: ["map-display", "search", "traffic"],
    domains: ["*.shop.example", "shop.example", "http://localhost:3000"] });
  await make("disabled", { name: "Old campaign", usage: "frontend", domains: ["campaign.example"] });
  await api("owner", "POST", at(made.disabled, "/disable"));
  await make("blocked", { name: "Partner feed" });
  await api("operator", "POST", `/v1/operator/keys/${made.blocked.id}/block`, { reason: "10,000 tiles an hour from one address: please call us." });
  await make("revoked", { name: "Leaked in a repository" });
  await api("owner", "POST", at(made.revoked, "/revoke"), { confirm_name: "Leaked in a repository" });
  await make("deleted", { name: "Prototype" });
  await api("owner", "DELETE", at(made.deleted, ""));
  await make("rotating", { name: "Fleet app", usage: "mobile", products: ["routing", "traffic"] });
  await api("owner", "POST", at(made.rotating, "/rotate"), { grace_seconds: day });
  await api("owner", "PUT", at(made.rotating, "/rotation-policy"), { every_days: 90 });
  await api("owner", "PUT", at(made.site, "/proposal"), { domains: ["www.shop.example"], products: ["map-display"] });
  await counted(account, made.site.id, async () => {
    for (const origin of ["https://www.shop.example", "https://checkout.shop.example", "https://copy.example", ""]) await tile(made.site.secret, origin ? { Origin: origin } : {});
  }, (totals) => totals.refused > 1);
  await make("waiting", { name: "Depot map", products: ["map-display", "search"], domains: ["depot.example"] });
  await unagreed(made.waiting.id, "map-display");
  await make("exposed", { name: "Timetable importer" });
  await api("operator", "POST", "/v1/operator/leaks", { secret: made.exposed.secret, url: "https://github.com/octocat/timetables/blob/main/import.py" });
  await make("apps", { name: "Driver app", usage: "mobile", products: ["map-display", "routing"], networks: ["81.2.69.0/24", "2a02:6b8::/48"], labels: ["production", "drivers"],
    apps: [{ platform: "android", package: "com.example.driver", sha1: "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09" }, { platform: "ios", bundle_id: "com.example.driver" }] });
  await api("owner", "PUT", at(made.apps, "/quotas/tiles"), { day: 250000 });
  made.empty = (await api("owner", "POST", "/v1/accounts", { name: "Harbour Tours" })).id; // it never has a key
  made.operating = await prepareOperating();
  made.limits = await prepareLimits();
  return made;
}

export function states(made) {
  const keys = `/accounts/${stack().demo_account}/keys`;
  const key = (name, rest = "") => `${keys}/${made[name].id}${rest}`;
  return [
    { name: "sign-in", person: null, open: to("/") },
    { name: "welcome", person: "newcomer", open: to("/") },
    { name: "sessions", person: "owner", open: to("/sessions") },
    { name: "account-new", person: "owner", open: to("/accounts/new") },
    { name: "keys-first", person: "owner", open: to(`/accounts/${made.empty}/keys`) },
    { name: "first-refused", person: "owner", status: 422, open: async (page) => { await to(`/accounts/${made.empty}/keys/first`)(page); await page.locator("form[action$='/keys/first'] .button.primary").click(); await page.waitForSelector("[role=alert]"); } },
    { name: "keys", person: "owner", open: to(keys) },
    { name: "keys-person", person: "owner", open: async (page) => { await to(keys)(page); await page.locator("[popovertarget=person]").click(); } },
    { name: "keys-accounts", person: "owner", open: async (page) => { await to(keys)(page); await page.locator("[popovertarget=accounts]").click(); } },
    { name: "keys-lean", person: "owner", open: to(`${keys}?size=100&select=all`) },
    { name: "keys-selected", person: "owner", open: async (page) => { await to(keys)(page); for (const i of [0, 1, 2]) await page.locator("[name=key]").nth(i).check(); } },
    { name: "keys-done", person: "owner", open: async (page) => { await to(`${keys}?q=Prototype&status=deleted`)(page); await page.locator("[data-all]").click(); await page.locator(".chosen button[formaction$='/disable']").click(); await page.waitForSelector(".notice.bad"); } },
    { name: "selected-delete", person: "owner", open: to(`${keys}/selected/delete?key=${made.site.id}&key=${made.open.id}`) },
    { name: "selected-label", person: "owner", open: to(`${keys}/selected/label?key=${made.site.id}&key=${made.open.id}`) },
    { name: "selected-domain", person: "owner", open: to(`${keys}/selected/domain?key=${made.site.id}&key=${made.open.id}`) },
    { name: "selected-rotate", person: "owner", open: to(`${keys}/selected/rotate?key=${made.site.id}&key=${made.open.id}`) },
    { name: "selected-rotated", person: "owner", open: async (page) => {
      await to(`${keys}/selected/rotate?key=${made.revoked.id}&key=${(await keyOf(stack().demo_account, { name: "Rotated with others" })).id}`)(page);
      await page.locator(".confirm .button.primary").click();
      await page.waitForSelector(".secrets");
    } },
    { name: "domains", person: "owner", open: to(`/accounts/${stack().demo_account}/domains`) },
    { name: "domain", person: "owner", open: to(`/accounts/${stack().demo_account}/domains/one?domain=shop.example`) },
    { name: "domain-new", person: "owner", open: to(`/accounts/${stack().demo_account}/domains/new`) },
    { name: "domain-refused", person: "owner", status: 422, open: async (page) => {
      await to(`/accounts/${stack().demo_account}/domains/new`)(page);
      await page.locator("#f-domain").fill("*.com");
      await page.locator("form[action$='/domains/link'] .button.primary").click();
      await page.waitForSelector("[role=alert]");
    } },
    { name: "keys-none", person: "owner", open: to(`${keys}?q=nothing-is-called-so`) },
    { name: "keys-deleted", person: "owner", open: to(`${keys}?status=deleted`) },
    { name: "create", person: "owner", open: to(`${keys}/new`) },
    { name: "create-refused", person: "owner", status: 422, open: async (page) => {
      await to(`${keys}/new`)(page);
      await page.fill("#f-domains", "https://example.com/path\nintranet\n*.example.org");
      await page.locator(".checks .no").first().waitFor(); // it moves the button
      await page.locator("form.card button[type=submit]").last().click();
      await page.waitForSelector("[role=alert]");
      await page.locator(".checks .no").first().waitFor();
    } },
    { name: "secret", person: "owner", open: async (page) => {
      await to(`${keys}/new`)(page);
      await page.fill("#f-name", "Store finder");
      await page.locator("input[value=map-display]").check();
      await page.fill("#f-domains", "*.example.com");
      await page.locator("form.card button[type=submit]").last().click();
      await page.waitForSelector("#secret");
    } },
    { name: "key", person: "owner", open: to(key("site")) },
    { name: "key-exposed", person: "owner", open: to(key("exposed")) },
    { name: "lift", person: "owner", open: to(key("exposed", "/lift-exposure")) },
    { name: "lift-dialog", person: "owner", open: dialog(key("exposed"), "/lift-exposure") },
    { name: "leak-policy", person: "owner", open: to(`/accounts/${stack().demo_account}/account/leaks`) },
    { name: "key-rules", person: "owner", open: to(`/accounts/${stack().demo_account}/account/rules`) },
    { name: "key-rules-refused", person: "owner", status: 422, open: async (page) => {
      await to(`/accounts/${stack().demo_account}/account/rules`)(page);
      await page.fill("#f-max_lifetime_days", "9999");
      await page.locator("section.card button[type=submit]").click();
      await page.waitForSelector("[role=alert]");
    } },
    { name: "findings", person: "owner", open: to(`${keys}/findings`) },
    { name: "findings-of-key", person: "owner", open: to(`${keys}/findings?key=${made.open.id}`) },
    { name: "key-audit", person: "owner", open: to(key("site", "/audit")) },
    { name: "try", person: "owner", open: to(key("site", "/try?origin=https://evil.example")) },
    { name: "try-refused", person: "owner", status: 422, open: async (page) => {
      await to(key("site", "/try"))(page);
      await page.fill("#f-secret", made.open.secret);
      await page.locator("main form[action$='/try'] button").click();
      await page.waitForSelector("[role=alert]");
    } },
    { name: "try-tile", person: "owner", open: async (page) => {
      await to(key("open", "/try"))(page);
      await page.fill("#f-secret", made.open.secret);
      await page.locator("main form[action$='/try'] button").click();
      await page.locator("canvas").waitFor();
    } },
    { name: "key-rotating", person: "owner", open: to(key("rotating")) },
    { name: "key-waiting", person: "owner", open: to(key("waiting")) },
    { name: "accept", person: "owner", open: async (page) => { await to(key("waiting", "/accept?product=map-display"))(page); await page.locator("[name=version]").waitFor({ state: "attached" }); } },
    { name: "accept-dialog", person: "owner", open: dialog(key("waiting"), "/accept?product=map-display") },
    { name: "key-open", person: "owner", open: to(key("open")) },
    { name: "key-disabled", person: "owner", open: to(key("disabled")) },
    { name: "key-blocked", person: "owner", open: to(key("blocked")) },
    { name: "key-revoked", person: "owner", open: to(key("revoked")) },
    { name: "key-deleted", person: "owner", open: to(key("deleted")) },
    { name: "key-apps", person: "owner", open: to(key("apps")) },
    { name: "key-viewer", person: "viewer", open: to(key("site")) },
    { name: "edit", person: "owner", open: to(key("site", "/edit")) },
    { name: "edit-conflict", person: "owner", status: 412, open: async (page) => {
      const account = stack().demo_account, key = await keyOf(account, { name: "Web shop, store finder", usage: "frontend", domains: ["*.shop.example", "shop.example"] });
      await to(`${keys}/${key.id}/edit`)(page);
      await api("owner", "PATCH", `/v1/accounts/${account}/keys/${key.id}`, { name: "Web shop, stores and depots", domains: [...key.domains, "new.shop.example"] }, key.version);
      await page.fill("#f-name", "Web shop and its stores");
      await page.locator("form.card button[type=submit]").last().click();
      await page.locator("table").waitFor();
    } },
    { name: "propose", person: "owner", open: to(key("open", "/propose")) },
    { name: "rotate", person: "owner", open: to(key("backend", "/rotate")) },
    { name: "rotate-dialog", person: "owner", open: dialog(key("backend"), "/rotate") },
    { name: "revoke-dialog", person: "owner", open: async (page) => {
      await to(key("backend"))(page);
      await page.locator("main [popovertarget^=menu-]").click();
      await page.locator("a[href$='/revoke']").click();
      await page.waitForSelector("dialog[open]");
    } },
    ...["disable", "revoke", "delete", "reveal", "policy", "limits/routing", "quotas/tiles"].map((step) => ({ name: step.replace("/", "-"), person: "owner", open: to(key("backend", "/" + step)) })),
    ...["extend", "rotation-end", "rotation-cancel", "policy-remove"].map((step) => ({ name: step, person: "owner", open: to(key("rotating", "/" + step)) })),
    ...["promote", "drop"].map((step) => ({ name: step, person: "owner", open: to(key("site", "/" + step)) })),
    { name: "enable", person: "owner", open: to(key("disabled", "/enable")) },
    { name: "restore", person: "owner", open: to(key("deleted", "/restore")) },
    ...operatingStates(made.operating),
    ...limitStates(made.limits),
    { name: "not-found", person: "owner", status: 404, open: to("/nothing") },
  ];
}
