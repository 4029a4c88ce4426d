// Statements: read by month, taken as a file, and a month closed over what is left of it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before as first, test } from "node:test";
import { api, counted, keyOf, launch, tile, visit, ways } from "./browser.mjs";

let browser, account, key;
const present = new Date().toISOString().slice(0, 7);
const before = (months) => { const d = new Date(`${present}-01T00:00:00Z`); d.setUTCMonth(d.getUTCMonth() - months); return d.toISOString().slice(0, 7); };
first(async () => {
  browser = await launch();
  ({ id: account } = await api("owner", "POST", "/v1/accounts", { name: "Billed" }));
  key = await keyOf(account, { name: "Billed key" });
  await counted(account, key.id, () => tile(key.secret));
});
after(() => browser.close());

// file downloads the month that is shown, as a table of texts.
async function file(page) {
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download CSV" }).click();
  const [names, ...lines] = readFileSync(await (await download).path(), "utf8").trim().split("\n").map((line) => line.split(","));
  return lines.map((line) => Object.fromEntries(names.map((name, i) => [name, line[i]])));
}

for (const [i, [how, options]] of ways.entries()) {
  test(`an owner reads a month's statement by key and class, and takes the same as a file${how}`, async () => {
    const { c, page, go, says, end } = await visit(browser, "owner", `/accounts/${account}/usage`, options);
    await page.getByRole("link", { name: "Statements" }).click();
    await says(/Month in progress: requests counted so far/);
    await page.getByLabel("Month").fill(before(1));
    await page.getByRole("button", { name: "Show" }).click();
    await says(/No requests in this month/);
    await page.getByLabel("Month").fill(present);
    await page.getByRole("button", { name: "Show" }).click();
    await says(/Month in progress: requests counted so far/);
    const stated = async () => {
      const { rows, status } = await api("owner", "GET", `/v1/accounts/${account}/statements/${present}`);
      assert.deepEqual([status, rows.map((row) => [row.key_id, row.class, row.billing_type])], ["open", [[key.id, "map-display.tiles", "freemium"]]]);
      return rows[0];
    };
    let row = await stated();
    for (let before; before !== row.requests;) { // more may be counted still
      before = row.requests;
      await page.reload();
      row = await stated();
    }
    await says(new RegExp(`${key.id}\\s+.*Map tiles\\s+Freemium\\s+${row.requests}\\s+${row.allowed}\\s+0`));
    assert.deepEqual((await file(page)).map((line) => [line.month, line.account_id, line.key_id, line.requests]), [[present, account, key.id, String(row.requests)]]);
    c.expect(400);
    await go(`/accounts/${account}/statements?month=2020-01`);
    await says(/Choose this month or one of the last 12/);
    await end();
  });

  test(`an admin closes a month with a reason, and the operators' audit trail keeps it${how}`, async () => {
    const ended = before(i + 2); // a month that is closed is closed once, and not in the four days after its end
    const admin = await visit(browser, "operator", `/operator/statements?month=${ended}`, options), support = await visit(browser, "support", `/operator/statements?month=${ended}`, options);
    const { page } = admin, reason = `Nobody finds the rest${how}.`;
    admin.c.expect(422);
    assert.equal(await support.page.getByRole("link", { name: "Close the month…" }).count(), 0, "an admin's act");
    await page.getByRole("link", { name: "Close the month…" }).click();
    await page.getByRole("button", { name: "Close the month" }).click();
    await admin.says(/Enter a reason/);
    await page.getByLabel("Reason").fill(reason);
    await page.getByRole("button", { name: "Close the month" }).click();
    await admin.says(/The month is closed/);
    const { rows } = await api("operator", "GET", "/v1/operators/audit?action=statement.close");
    const row = rows.map((one) => JSON.stringify(one)).find((one) => one.includes(`"${ended}"`));
    assert.ok(row?.includes(reason), row);
    await support.go("/operator/operators/audit");
    await support.says(/Statement closed[\s\S]*operator@example\.com/);
    for (const one of [admin, support]) await one.end();
  });
}
