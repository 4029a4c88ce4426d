// The pages about usage, QPS requests, the account and operators, as pages.mjs lists the others, with an enterprise account of their own.
import { api, joins, tile } from "./browser.mjs";
import { grouped } from "./grouped.mjs";
import { dialog, to } from "./opening.mjs";
import { stack } from "./stack.mjs";

export async function prepareOperating() {
  const { demo_account, demo_secret } = stack();
  const account = (await api("owner", "POST", "/v1/accounts", { name: "Parcel & Vans" })).id;
  await api("operator", "PATCH", `/v1/accounts/${account}`, { type: "enterprise" });
  const root = `/v1/accounts/${account}`;
  const key = await api("owner", "POST", `${root}/keys`, { name: "Dispatch", usage: "backend", products: ["routing", "map-display", "search"] });
  const site = await api("owner", "POST", `/v1/accounts/${demo_account}/keys`, { name: "Shop", usage: "frontend", products: ["map-display"], domains: ["shop.example"] });
  const ask = (body) => api("owner", "POST", `${root}/qps-requests`, { key_id: key.id, justification: "Our fleet grows to 400 vans.\nEach asks for a route every 8 seconds.", ...body });
  const pending = await ask({ product: "routing", requested_qps: 50 });
  const decided = await ask({ product: "map-display", class: "map-display.tiles", requested_qps: 3000 });
  await api("operator", "POST", `${root}/qps-requests/${decided.id}/approve`, { qps: 2000, comment: "2,000 for now: come back when you see breaches." });
  await joins(account, "developer", "developer@example.com");
  await api("owner", "POST", `${root}/invitations`, { role: "viewer", email: "new.colleague@example.com" });
  const { token } = await api("owner", "POST", `${root}/invitations`, { role: "developer" });
  await Promise.all([...Array(30).keys()].map(() => tile(demo_secret)));
  await Promise.all([...Array(12).keys()].map(() => tile(site.secret, { Origin: "https://shop.example" })));
  await Promise.all([...Array(8).keys()].map(() => tile(site.secret, { Origin: "https://copy.example" })));
  return { account, key: key.id, site: site.id, pending: pending.id, decided: decided.id, token };
}

// leaver makes an account with a member who has made a key there, and returns its ID.
async function leaver() {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: "Left behind" });
  await joins(id, "developer", "developer@example.com");
  await api("developer", "POST", `/v1/accounts/${id}/keys`, { name: "Night jobs", usage: "backend", products: ["routing"] });
  return id;
}

export function operatingStates({ account, key, site, pending, decided, token }) {
  const demo = `/accounts/${stack().demo_account}`;
  const vans = `/accounts/${account}`;
  const sent = (path, submit) => async (page) => {
    await to(path)(page);
    await page.locator(submit).first().click();
    await page.waitForSelector(".notice.bad");
  };
  return [
    { name: "usage", person: "owner", open: to(`${demo}/usage`) },
    { name: "usage-table", person: "owner", open: async (page) => { await to(`${demo}/usage?range=7d`)(page); for (const s of await page.locator("figure summary").all()) await s.click(); } },
    { name: "usage-key", person: "viewer", open: to(`${demo}/usage?range=30d&key=${site}&product=map-display`) },
    { name: "usage-compared", person: "owner", open: to(`${demo}/usage?range=7d&key=${site}&compare=1`) },
    { name: "usage-grouped", person: "owner", open: async (page) => { await to(await grouped())(page); await page.waitForSelector(".legend button"); } },
    { name: "usage-none", person: "owner", open: to(`${demo}/usage?from=2026-01-01&to=2026-01-31`) },
    { name: "usage-refused", person: "owner", status: 400, open: to(`${demo}/usage?from=2026-05-05&to=2026-01-01`) },
    { name: "statement", person: "owner", open: to(`${demo}/statements?month=${new Date().toISOString().slice(0, 7)}`) },
    { name: "statement-refused", person: "owner", status: 400, open: to(`${demo}/statements?month=2020-01`) },
    { name: "qps", person: "owner", open: to(`${vans}/qps-requests`) },
    { name: "qps-none", person: "owner", open: to(`${vans}/qps-requests?status=rejected`) },
    { name: "qps-self-serve", person: "owner", open: to(`${demo}/qps-requests`) },
    { name: "qps-new", person: "owner", open: to(`${vans}/qps-requests/new`) },
    { name: "qps-form", person: "owner", open: to(`${vans}/qps-requests/new?key=${key}&class=search`) },
    { name: "qps-form-refused", person: "owner", status: 422, open: sent(`${vans}/qps-requests/new?key=${key}&class=search`, "form[method=post] .button.primary") },
    { name: "qps-request", person: "owner", open: to(`${vans}/qps-requests/${decided}`) },
    { name: "qps-withdraw", person: "owner", open: to(`${vans}/qps-requests/${pending}/withdraw`) },
    { name: "qps-withdraw-dialog", person: "owner", open: dialog(`${vans}/qps-requests/${pending}`, "withdraw") },
    { name: "account", person: "owner", open: to(`${vans}/account`) },
    { name: "account-viewer", person: "viewer", open: to(`${demo}/account`) },
    { name: "account-details", person: "owner", open: to(`${vans}/account/details`) },
    { name: "account-details-viewer", person: "viewer", open: to(`${demo}/account/details`) },
    { name: "account-refused", person: "owner", status: 422, open: async (page) => { await to(`${vans}/account/details`)(page); await page.fill("#f-name", " "); await page.locator("form[action$='/name'] button").click(); await page.waitForSelector(".notice.bad"); } },
    { name: "account-remove-dialog", person: "owner", open: dialog(`${vans}/account`, "subject=developer") },
    { name: "account-remove", person: "owner", open: to(`${vans}/account/remove?subject=developer`) },
    { name: "account-left", person: "owner", open: async (page) => { await to(`/accounts/${await leaver()}/account/remove?subject=developer`)(page); await page.locator("main form .button.danger").click(); await page.waitForURL(/\/account\/left$/); } },
    { name: "account-export", person: "owner", open: to(`${vans}/account/export`) },
    { name: "account-close-dialog", person: "owner", open: dialog(`${vans}/account/details`, "/close") },
    { name: "account-close-refused", person: "owner", status: 422, open: sent(`${vans}/account/close`, ".button.danger") },
    { name: "audit", person: "owner", open: to(`${vans}/account/audit`) },
    { name: "audit-filtered", person: "owner", open: to(`${vans}/account/audit?action=qps&who=owner@example.com`) },
    { name: "audit-nothing", person: "owner", open: to(`${vans}/account/audit?who=nobody@example.com`) },
    { name: "invitation", person: "owner", open: to("/invitations") },
    { name: "invitation-offer", person: "viewer", open: async (page) => { await to(`/invitations#${token}`)(page); await page.waitForSelector("main dl.facts"); } },
    { name: "invitation-nobody", person: null, open: to("/invitations") },
    { name: "operator", person: "operator", open: to("/operator") },
    { name: "operator-accounts", person: "operator", open: to("/operator/accounts") },
    { name: "operator-blocked", person: "operator", open: to("/operator/blocked-keys") },
    { name: "operator-exposed", person: "operator", open: to("/operator/exposed-keys") },
    { name: "operator-suspended", person: "operator", open: to("/operator/suspended-accounts") },
    { name: "operator-none", person: "operator", open: to("/operator?q=nobody-is-called-so") },
    { name: "operator-found", person: "operator", open: to("/operator?q=shop.example") },
    { name: "operator-found-members", person: "operator", open: to("/operator?q=developer@") },
    { name: "operator-account", person: "operator", open: to(`/operator/accounts/${account}`) },
    { name: "operator-account-people", person: "operator", open: to(`/operator/accounts/${account}/people`) },
    { name: "operator-account-limits", person: "operator", open: to(`/operator/accounts/${account}/limits`) },
    { name: "operator-type", person: "operator", open: to(`/operator/accounts/${account}/type`) },
    { name: "operator-type-dialog", person: "operator", open: dialog(`/operator/accounts/${account}`, "/type") },
    { name: "operator-close-dialog", person: "operator", open: dialog(`/operator/accounts/${account}`, "/close") },
    { name: "operator-close-refused", person: "operator", status: 422, open: sent(`/operator/accounts/${account}/close`, ".button.danger") },
    { name: "operator-key", person: "operator", open: to(`/operator/keys/${site}`) },
    { name: "operator-key-refused", person: "operator", status: 422, open: sent(`/operator/keys/${site}`, ".button.danger") },
    { name: "operator-leak", person: "operator", open: to("/operator/leaks") },
    { name: "operator-leak-refused", person: "operator", status: 422, open: sent("/operator/leaks", ".button.danger") },
    { name: "operator-people", person: "operator", open: to("/operator/operators") },
    { name: "operator-remove", person: "operator", open: to("/operator/operators/remove?subject=support") },
    { name: "operator-erase-who", person: "operator", open: to("/operator/people/erase") },
    { name: "operator-erase", person: "operator", open: to("/operator/people/erase?subject=nobody-with-a-rather-long-subject") },
    { name: "operator-erase-refused", person: "operator", status: 422, open: sent("/operator/people/erase?subject=nobody", ".button.danger") },
    { name: "operator-end-sessions-who", person: "operator", open: to("/operator/people/end-sessions") },
    { name: "operator-end-sessions", person: "operator", open: to("/operator/people/end-sessions?subject=nobody-with-a-rather-long-subject") },
    { name: "operator-statements", person: "operator", open: to("/operator/statements?month=" + new Date().toISOString().slice(0, 7)) },
    { name: "operator-statement-close", person: "operator", open: to("/operator/statements/close") },
    { name: "operators-audit", person: "operator", open: to("/operator/operators/audit") },
    { name: "operator-queue", person: "operator", open: to("/operator/qps-requests") },
    { name: "operator-decision", person: "operator", open: to(`/operator/qps-requests/${account}/${pending}`) },
    { name: "operator-decided", person: "operator", open: to(`/operator/qps-requests/${account}/${decided}`) },
    { name: "operator-customer", person: "operator", open: to(`${vans}/usage`) },
  ];
}
