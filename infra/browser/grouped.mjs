// An account whose keys were called by day and night of a week, one more than the other, as the counters have it: no way through the API counts
// what is over.
import { api, store } from "./browser.mjs";

const names = ["Web shop, store finder", "Fleet app for drivers and dispatchers of all depots in Tunis", "Landing page", "Route planner", "Dealer map", "Internal dashboards"];
const N = (n) => ({ N: String(n) });
const pad = (hour) => String(hour).padStart(9, "0");

export async function grouped() {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: "Atlas Deliveries" });
  const now = Math.floor(Date.now() / 3600e3), items = [{ pk: { S: `A#${id}` }, sk: { S: "FRESH" }, at: N(Date.now()), v: N(1), c: { M: {} } }];
  const counted = (pk, hour, calls) => items.push({ pk: { S: pk }, sk: { S: `H#${pad(hour)}#map-display` }, v: N(1), c: { M: { "c:c:allowed": N(calls), "b::freemium:allowed": N(calls) } } });
  const sums = Array(168).fill(0);
  for (const [n, name] of names.entries()) {
    const key = await api("owner", "POST", `/v1/accounts/${id}/keys`, { name, usage: "backend", products: ["map-display"] });
    for (let ago = 1; ago < 168; ago++) {
      const noon = ((now - ago) % 24) - 12 + n, calls = Math.round((420 / (n + 1)) * Math.exp(-(noon * noon) / 40)) + 6 - n;
      counted(`K#${id}#${key.id}`, now - ago, calls);
      sums[ago] += calls;
    }
  }
  for (let ago = 1; ago < 168; ago++) counted(`A#${id}`, now - ago, sums[ago]);
  while (items.length) await store("BatchWriteItem", { RequestItems: { CountersTable: items.splice(0, 25).map((Item) => ({ PutRequest: { Item } })) } });
  return `/accounts/${id}/usage?range=7d&group=key`;
}
