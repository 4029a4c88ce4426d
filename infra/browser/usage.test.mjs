// The charts of the usage page by pointer, touch and keyboard, the field for a key, and the same without JavaScript.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, context, launch, signIn, tile, until } from "./browser.mjs";
import { prepareOperating } from "./operating-pages.mjs";
import { stack } from "./stack.mjs";

let browser, made;
before(async () => {
  browser = await launch();
  made = await prepareOperating();
  const path = `/v1/accounts/${stack().demo_account}/keys/${made.site}/usage`;
  for (let i = 0; i < 120 && (await api("owner", "GET", path)).totals.refused < 8; i++) {
    await tile(stack().demo_secret); // what was just counted is reported with a later call
    await new Promise((done) => setTimeout(done, 500));
  }
});
after(() => browser.close());

async function usage(query, options) {
  const c = await context(browser, { timezoneId: "Asia/Kolkata", ...options });
  const page = await c.newPage();
  await signIn(page, "owner");
  await page.goto(`${stack().console_url}/accounts/${stack().demo_account}/usage?${query}`);
  return { c, page, done: async () => { c.check(); await c.close(); } };
}

// at is the middle of a bar, counted from the last one.
async function at(page, back) {
  const box = await page.locator(".frame").first().boundingBox();
  const count = await page.locator(".chart").first().evaluate((e) => e.dataset.values.split(" ").length);
  return [box.x + (box.width * (count - 0.5 - back)) / count, box.y + box.height / 2];
}

test("a pointer reads every series of the hour under it, in both charts, in the zone of the browser with UTC beside it", async () => {
  const { page, done } = await usage(`range=24h&key=${made.site}`);
  await page.mouse.move(...await at(page, 0));
  const words = await page.locator(".readout").innerText();
  assert.match(words, /\d{2}:30–\d{2}:30\n\d{2}:00 UTC\nThis hour so far/);
  for (const series of ["Requests", "Allowed", "Refused", "QPS breaches", "Other refusals"]) assert.match(words, new RegExp(`${series}\\s+[\\d,]+\\s+[\\d.]+%`));
  assert.equal(await page.locator(".cursor").count(), 2);
  const charts = await page.locator(".plot").evaluateAll((all) => all.map((e) => Math.round(e.getBoundingClientRect().left)));
  assert.equal(charts[0], charts[1], "both charts begin at the same place");
  await page.mouse.move(5, 5);
  assert.equal(await page.locator(".readout").count(), 0);
  await done();
});

test("a click on a day leads to its hours, and keeps the key", async () => {
  const { page, done } = await usage(`range=30d&key=${made.site}`);
  await page.mouse.move(...await at(page, 0));
  assert.match(await page.locator(".readout").innerText(), /Today so far[\s\S]*Click for hours/);
  await page.mouse.click(...await at(page, 0));
  await page.waitForURL(/from=/);
  const today = new Date().toISOString().slice(0, 10);
  assert.equal(new URL(page.url()).search, `?from=${today}&key=${made.site}&to=${today}`);
  assert.equal(await page.locator(".charts").getAttribute("data-by"), "hour");
  await done();
});

test("a finger reads a bar, and leads to its hours when it touches it again", async () => {
  const { page, done } = await usage(`range=30d&key=${made.site}`, { hasTouch: true, viewport: { width: 390, height: 844 } });
  await page.locator(".frame").first().scrollIntoViewIfNeeded();
  const here = page.url();
  await page.touchscreen.tap(...await at(page, 0));
  assert.match(await page.locator(".readout").innerText(), /Tap again for hours/);
  assert.equal(page.url(), here);
  const box = await page.locator(".readout").boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 390, "what is read is on the page");
  const frame = await page.locator(".frame").first().boundingBox();
  assert.ok(box.y >= frame.y + frame.height, "what is read is under the bars");
  await page.touchscreen.tap(...await at(page, 0));
  await page.waitForURL(/from=/);
  await done();
});

test("arrow keys read bars aloud, and Enter leads to the hours", async () => {
  const { page, done } = await usage(`range=30d&key=${made.site}`);
  await page.locator(".frame").first().focus();
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator("#say").innerText(), /^\d+ \w+ \d{4}, Today so far: Requests [\d,]+, Allowed [\d,]+, Refused [\d,]+/);
  const last = await page.locator("#say").innerText();
  await page.keyboard.press("ArrowLeft");
  assert.notEqual(await page.locator("#say").innerText(), last);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".readout").count(), 0);
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.locator("#say").innerText(), last, "the last bar is the end");
  await page.keyboard.press("Enter");
  await page.waitForURL(/from=/);
  await done();
});

test("a series can be hidden, and the scale follows", async () => {
  const { page, done } = await usage(`range=24h&key=${made.site}`);
  const top = () => page.locator(".scale span").first().innerText();
  const before = [await top(), await page.locator(".plot .refused").first().getAttribute("d"), await page.locator(".plot .grid").first().getAttribute("d")];
  const allowed = page.getByRole("button", { name: "Allowed" });
  await allowed.click();
  assert.equal(await allowed.getAttribute("aria-pressed"), "false");
  assert.ok(Number((await top()).replace(",", "")) < Number(before[0].replace(",", "")));
  await allowed.click();
  const height = (d) => d.match(/V[\d.]+/g).map((v) => Math.round(Number(v.slice(1))));
  assert.deepEqual([await top(), height(await page.locator(".plot .refused").first().getAttribute("d")), await page.locator(".plot .grid").first().getAttribute("d")],
    [before[0], height(before[1]), before[2]], "the script draws what the server drew");
  await done();
});

test("a key is found while its name is typed, and choosing it acts at once", async () => {
  const { page, done } = await usage("range=7d&product=map-display");
  await page.locator("#f-find").click();
  await page.locator("#found [role=option]").first().waitFor();
  await page.keyboard.type("sho");
  const options = page.locator("#found:not([hidden]) [role=option]");
  await page.locator("#found [role=option]", { hasText: "All keys" }).waitFor({ state: "detached" });
  const place = (await options.allTextContents()).findIndex((text) => text.startsWith("Shop")); // other suites have shops too
  assert.notEqual(place, -1);
  for (let i = 0; i <= place; i++) await page.keyboard.press("ArrowDown");
  assert.equal(await page.locator("#f-find").getAttribute("aria-activedescendant"), await page.locator("#found [aria-selected=true]").getAttribute("id"));
  await page.keyboard.press("Enter");
  await page.waitForURL(/key=key_/);
  assert.deepEqual([...new URL(page.url()).searchParams.keys()].sort(), ["key", "product", "range"], "nothing empty is in the address");
  assert.equal(await page.locator("#f-find").inputValue(), "Shop");
  await page.locator("#f-find").click();
  await page.locator("#found [role=option]", { hasText: "All keys" }).click();
  await page.waitForURL((url) => !url.search.includes("key="));
  await done();
});

test("the keys in the list are those of what is typed, whichever answer comes last", async () => {
  const { page, done } = await usage("range=7d");
  const asked = (text) => (r) => r.postData() === `q=${text}`;
  const found = (name) => ({ json: [{ id: "key_" + name, name, preview: "ak_" }] });
  let answer;
  const held = new Promise((go) => { answer = go; });
  await page.route("**/usage/keys", async (route) => {
    if (!asked("slow")(route.request())) return route.fulfill(found("Later"));
    await held;
    return route.fulfill(found("Earlier"));
  });
  const first = page.waitForRequest(asked("slow"));
  await page.locator("#f-find").fill("slow");
  await first;
  await page.locator("#f-find").fill("fast");
  const options = page.locator("#found [role=option]");
  await options.filter({ hasText: "Later" }).waitFor();
  const late = page.waitForResponse((r) => asked("slow")(r.request()));
  answer();
  await (await late).finished();
  await page.evaluate(() => new Promise((done) => setTimeout(done, 100)));
  assert.match((await options.allTextContents()).join(), /^Later/);
  await done();
});

test("without JavaScript: charts, their numbers, the period before, a key by its name, and a day's hours", async () => {
  const { page, done } = await usage("range=30d", { javaScriptEnabled: false });
  assert.equal(await page.locator("svg.plot").count(), 2);
  await page.getByRole("link", { name: "Compare with the previous period" }).click();
  assert.equal(await page.locator("path.before").count(), 1);
  assert.ok(!(await page.locator(".zoom").isVisible()), "nothing can be dragged");
  await page.getByRole("link", { name: "Hide the comparison" }).click();
  assert.match(await page.locator(".zone").innerText(), /UTC/);
  await page.locator("#f-find").fill(made.site);
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForURL(new RegExp(`\\?key=${made.site}&range=30d$`));
  assert.equal(await page.locator("#f-find").inputValue(), "Shop");
  await page.locator(".charts summary").click();
  await page.locator(".tight tbody a").last().click();
  await page.waitForURL(/from=/);
  assert.match(await page.locator(".tight").textContent(), /UTC/);
  await done();
});

test("the period before stands beside the range, by a link, and its line beside the bars", async () => {
  const { page, done } = await usage(`range=24h&key=${made.site}`);
  await page.getByRole("link", { name: "Compare with the previous period" }).click();
  await page.waitForURL(/compare=1/);
  assert.equal(await page.locator(".figures .change").count(), 4);
  assert.match(await page.locator("main").innerText(), /Compared with .* The current hour is left out\./);
  const line = () => page.locator("path.before").getAttribute("d");
  const drawn = await line();
  await page.mouse.move(...await at(page, 0));
  assert.match(await page.locator(".readout").innerText(), /Previous period\s+[\d,]+/);
  await page.getByRole("button", { name: "Allowed" }).click();
  await page.getByRole("button", { name: "Allowed" }).click();
  assert.equal(await line(), drawn, "the script draws what the server drew");
  await page.getByRole("link", { name: "7 days", exact: true }).click();
  await page.waitForURL(/compare=1.*range=7d/);
  await page.getByRole("link", { name: "13 months" }).click();
  await page.getByText("The previous period is no longer kept").waitFor();
  await page.getByRole("link", { name: "Hide the comparison" }).click();
  await page.waitForURL((url) => !url.search.includes("compare"));
  await done();
});

test("requests are stacked by key, product, reason or origin, by a link, with and without JavaScript", async () => {
  for (const javaScriptEnabled of [true, false]) {
    const { page, done } = await usage("range=24h", { javaScriptEnabled });
    const { groups } = await api("owner", "GET", `/v1/accounts/${stack().demo_account}/usage?group_by=key`);
    const name = groups[0].key.name;
    for (const [link, series] of [["Key", name], ["Product", "Map Display API"], ["Reason", "Domain not allowed"], ["Origin", "No Origin or Referer"]]) {
      await page.getByRole("link", { name: link, exact: true }).click();
      await page.waitForURL(new RegExp(`group=${link.toLowerCase()}`));
      assert.equal(await page.locator(".chart").count(), 1);
      assert.match(await page.locator(".legend").innerText(), new RegExp(series.replace(/[()]/g, ".")));
      await page.locator(".charts summary").click();
      assert.match(await page.locator(".tight thead").innerText(), new RegExp(series.replace(/[()]/g, ".")));
      if (!javaScriptEnabled) continue;
      await until(page, () => document.querySelector(".frame[tabindex]"));
      await page.mouse.move(...await at(page, 0));
      const list = await page.locator(".readout li b").allInnerTexts(), numbers = list.map((n) => Number(n.replaceAll(",", "")));
      assert.equal(numbers[0], numbers.slice(1).reduce((a, b) => a + b), "what is stacked is the whole");
      const drawn = await page.locator("path.g0").getAttribute("d");
      const button = page.locator("[data-series=g0] button");
      await button.click();
      assert.notEqual(await page.locator("path.g0").getAttribute("d"), drawn);
      await button.click();
      const again = await page.locator("path.g0").getAttribute("d"), heights = (d) => d.match(/V[\d.]+/g).map((v) => Number(v.slice(1)));
      assert.ok(heights(again).every((v, i) => Math.abs(v - heights(drawn)[i]) <= 1), `the script draws what the server drew: ${again}, ${drawn}`);
    }
    await page.getByRole("link", { name: "None", exact: true }).click();
    await page.waitForURL((url) => !url.search.includes("group"));
    assert.equal(await page.locator(".chart").count(), 2);
    await done();
  }
});

test("groups keep their colours and patterns under forced colours", async () => {
  const { page, done } = await usage("range=24h&group=key", { forcedColors: "active" });
  const [colour, forced] = await page.locator("path.g0").evaluate((e) => [getComputedStyle(e).fill, getComputedStyle(e).forcedColorAdjust]);
  assert.equal(forced, "none");
  assert.match(colour, /rgb\(11, 95, 165\)|rgb\(107, 177, 240\)/);
  await done();
});

test("dragging across bars shows their days alone, and a click after it leads nowhere", async () => {
  const { page, done } = await usage(`range=30d&key=${made.site}&compare=1`);
  const day = (back) => new Date(Date.now() - back * 86400e3).toISOString().slice(0, 10);
  for (const [from, to] of [[2, 4], [4, 2], [0, 1], [1, 0]]) { // to the left, and to the right; today is the last day that there is
    await page.goto(`${stack().console_url}/accounts/${stack().demo_account}/usage?range=30d&key=${made.site}&compare=1`);
    await page.mouse.move(...await at(page, from));
    await page.mouse.down();
    await page.mouse.move(...await at(page, to), { steps: 4 });
    assert.equal(await page.locator(".band").count(), 1);
    await page.mouse.up();
    await page.waitForURL(/from=/);
    assert.equal(new URL(page.url()).searchParams.toString(), `compare=1&from=${day(Math.max(from, to))}&key=${made.site}&to=${day(Math.min(from, to))}`);
  }
  assert.equal(await page.locator(".charts").getAttribute("data-by"), "hour");
  const here = page.url(), count = await page.locator(".chart").first().evaluate((e) => e.dataset.values.split(" ").length);
  assert.ok(count > 24 && count <= 48, `${count} hours`);
  await page.mouse.move(...await at(page, count - 1));
  await page.mouse.down();
  await page.mouse.move(...await at(page, 0), { steps: 4 });
  await page.mouse.up();
  assert.equal(page.url(), here, "all of it is shown already");
  await done();
});

test("with forced colours the current tab and range are told apart by their background", async () => {
  const { page, done } = await usage("range=7d", { forcedColors: "active" });
  for (const list of [".tabs a", ".segments a"]) {
    const shades = await page.locator(list).evaluateAll((all) => all.map((e) => [e.hasAttribute("aria-current"), getComputedStyle(e).backgroundColor]));
    const current = shades.find(([here]) => here)[1];
    assert.ok(shades.every(([here, shade]) => here || shade !== current), `${list}: ${JSON.stringify(shades)}`);
  }
  await done();
});

test("figures say their age as it grows, and are read again every minute while somebody is there", async () => {
  const { c, page, done } = await usage("range=24h&product=map-display", { locale: "en-GB" });
  await page.clock.install();
  await page.reload();
  const age = page.locator("[data-age]");
  await until(page, () => document.querySelector(".charts")?.querySelector(".frame[tabindex]"));
  const asked = [];
  page.on("request", (r) => { if (r.isNavigationRequest() === false && r.url() === page.url()) asked.push(r.url()); });
  await c.setOffline(true);
  c.forgive(/ERR_INTERNET_DISCONNECTED/);
  await page.clock.runFor("03:00:00");
  assert.match(await age.innerText(), /^Updated \D?3 hours ago\D?$/, "what can't be read again gets old");
  await c.setOffline(false);
  const before = asked.length;
  await page.clock.runFor("10:00");
  assert.equal(asked.length, before, "nobody has touched the page for hours");
  await page.mouse.move(9, 9);
  await page.clock.runFor(30_000);
  await until(page, () => /second|minute/.test(document.querySelector("[data-age]").textContent));
  assert.ok(asked.length > before, "somebody is there");
  const last = asked.length;
  await page.clock.fastForward("14:35"); // a quarter of an hour since the pointer moved, and less since the figures were read
  await page.clock.runFor(30_000);
  await page.evaluate(() => 0);
  assert.equal(asked.length, last, "what the page reads by itself is no use of it");
  await page.mouse.move(19, 9);
  await page.mouse.move(...await at(page, 0));
  await page.locator(".readout").waitFor();
  await done();
});

test("figures that were asked for before somebody reads a chart or opens a table replace neither", async () => {
  const { page, done } = await usage("range=24h&product=map-display");
  await page.clock.install();
  const table = page.locator(".charts summary");
  for (const [what, begin, end] of [
    ["a chart", async () => { await page.mouse.move(...await at(page, 0)); await page.locator(".readout").waitFor(); }, () => page.mouse.move(5, 5)],
    ["a table", () => table.click(), async () => { await table.click(); await page.mouse.move(5, 5); }],
  ]) {
    await page.reload();
    await until(page, () => document.querySelector(".charts")?.querySelector(".frame[tabindex]"));
    await page.locator(".charts").evaluate((e) => { e.dataset.read = "yes"; });
    const read = () => page.locator(".charts[data-read]").count();
    const here = (url) => url.href === page.url();
    const held = new Promise((asked) => page.route(here, asked));
    await page.mouse.move(9, 9);
    await page.clock.runFor(70_000);
    const late = await held;
    await begin();
    await late.continue();
    await page.unroute(here);
    await (await late.request().response()).finished();
    await page.evaluate(async () => (await fetch(location.href)).text()); // behind a whole answer the page has seen the one before it
    assert.equal(await read(), 1, `${what} stays where it is`);
    await end();
    await page.evaluate(() => document.activeElement.blur());
    await page.clock.runFor(70_000);
    await page.locator(".charts:not([data-read])").waitFor();
  }
  await done();
});

test("the longest names are read whole in the legend and in the readout, at each width", async () => {
  const account = stack().demo_account, name = `Longest-name-without-a-break-${"x".repeat(35)}`;
  const { secret } = await api("owner", "POST", `/v1/accounts/${account}/keys`, { name, usage: "frontend", products: ["map-display"] });
  const counted = async () => (await api("owner", "GET", `/v1/accounts/${account}/usage?group_by=key`)).groups.some((g) => g.key?.name === name);
  for (let i = 0; i < 120 && !(await counted()); i++) {
    for (let n = 0; n < 40; n++) await tile(secret); // it has to be among the eight with the most
    await new Promise((done) => setTimeout(done, 500));
  }
  for (const width of [1200, 320]) {
    const { page, done } = await usage("range=24h&group=key", { viewport: { width, height: 800 } });
    await until(page, () => document.querySelector(".frame[tabindex]"));
    await page.locator(".frame").first().focus();
    await page.keyboard.press("End");
    for (const at of [".legend bdi", ".readout li span:not(.swatch)"]) {
      const named = page.locator(at, { hasText: name }).first();
      assert.deepEqual(await named.evaluate((e) => [e.scrollWidth <= e.clientWidth || !e.clientWidth, getComputedStyle(e).textOverflow]), [true, "clip"], `${at} at ${width}`);
      const box = await named.boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= width, `${at} at ${width}: ${JSON.stringify(box)}`);
    }
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `nothing runs over at ${width}`);
    await done();
  }
});
