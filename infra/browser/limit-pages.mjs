// The pages of accounts that are stopped by something: a quota that is nearly used, a cap that is used up, a suspension. pages.mjs lists
// the others.
import { api, counted, keyOf, tile } from "./browser.mjs";
import { dialog, to } from "./opening.mjs";

// prepareLimits makes two accounts of their own: others have no quota, and aren't suspended.
export async function prepareLimits() {
  const open = async (name) => (await api("owner", "POST", "/v1/accounts", { name })).id;
  const [quotas, suspended] = [await open("Night Couriers"), await open("Unpaid Ferries")];
  await api("operator", "PUT", `/v1/operator/accounts/${quotas}/quotas/tiles`, { billing_type: "freemium", day: 24, month: 400 });
  const nearly = await keyOf(quotas, { name: "Courier app" }), up = await keyOf(quotas, { name: "Depot screen" });
  await api("owner", "PUT", `/v1/accounts/${quotas}/keys/${up.id}/quotas/tiles`, { day: 2 });
  const stopped = await keyOf(suspended, { name: "Timetable" });
  await api("operator", "POST", `/v1/operator/accounts/${suspended}/suspend`, { reason: "Your last two invoices are open.\nWrite to billing@maps.example.", until: "2090-01-02T00:00:00Z" });
  for (let i = 0; i < 18; i++) await tile(nearly.secret);
  await counted(quotas, nearly.id, () => tile(up.secret), (totals) => totals.requests > 17);
  await counted(quotas, up.id, () => tile(up.secret), (totals) => totals.refused > 2);
  return { quotas, suspended, nearly: nearly.id, up: up.id, stopped: stopped.id };
}

export function limitStates({ quotas, suspended, nearly, up, stopped }) {
  const couriers = `/accounts/${quotas}`, ferries = `/accounts/${suspended}`;
  return [
    { name: "key-nearly-used", person: "owner", open: to(`${couriers}/keys/${nearly}`) },
    { name: "key-used-up", person: "owner", open: to(`${couriers}/keys/${up}`) },
    { name: "account-details-quotas", person: "owner", open: to(`${couriers}/account/details`) },
    { name: "operator-account-quotas", person: "operator", open: to(`/operator${couriers}/limits`) },
    { name: "keys-suspended", person: "owner", open: to(`${ferries}/keys`) },
    { name: "key-suspended", person: "owner", open: to(`${ferries}/keys/${stopped}`) },
    { name: "account-details-suspended", person: "owner", open: to(`${ferries}/account/details`) },
    { name: "operator-account-suspended", person: "operator", open: to(`/operator${ferries}`) },
    { name: "operator-suspend-dialog", person: "operator", open: dialog(`/operator${ferries}`, "/suspend") },
    { name: "operator-suspend-refused", person: "operator", status: 422, open: async (page) => {
      await to(`/operator${couriers}/suspend`)(page);
      await page.locator("main .button.danger").click();
      await page.waitForSelector("[role=alert]");
    } },
  ];
}
