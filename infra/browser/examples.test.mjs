// The examples that the console shows beside a new key, run as they are shown: on pages that say nothing about referrers and
// on pages with a strict Referrer-Policy. The key is locked to the page's domain and refuses calls that name no page, so an
// answer of 200 means that the call said where it came from.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { context, keyOf, launch, signIn } from "./browser.mjs";
import { stack } from "./stack.mjs";

const modules = join(dirname(fileURLToPath(import.meta.url)), "node_modules");
const library = (path) => readFileSync(join(modules, path));
// What the whole pages load, from the packages of the same versions. A browser takes them only if the pages' hashes are theirs.
const loaded = /^https:\/\/unpkg\.com\/(leaflet|maplibre-gl)@([\d.]+)\/(dist\/[a-z-]+\.(?:js|css))$/;
async function serve(page) {
  await page.route(/^https:/, (route) => {
    const [, name, version, file] = loaded.exec(route.request().url()) ?? [];
    if (!name || JSON.parse(library(`${name}/package.json`)).version !== version) return route.abort();
    return route.fulfill({ body: library(`${name}/${file}`), contentType: file.endsWith("css") ? "text/css" : "text/javascript", headers: { "Access-Control-Allow-Origin": "*" } });
  });
}

// policies are what a page may say of referrers; "" is nothing.
const policies = ["", "no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"];

let browser, site, port, shown, secret;
before(async () => {
  browser = await launch(["--enable-unsafe-swiftshader"]); // MapLibre draws with WebGL
  site = createServer((request, answer) => {
    const url = new URL(request.url, "http://localhost");
    const policy = url.searchParams.get("policy");
    if (policy) answer.setHeader("Referrer-Policy", policy);
    const code = url.searchParams.get("code") ?? "";
    const markup = code.startsWith("<") ? code : `<script type="module">${code}</script>`;
    answer.setHeader("Content-Type", "text/html").end(code.startsWith("<!doctype") ? code : `<!doctype html><title>A page</title>${markup}`);
  });
  await new Promise((done) => site.listen(0, "127.0.0.1", done));
  port = site.address().port;
  ({ shown, secret } = await examples());
});
after(async () => {
  await browser.close();
  site.close();
});

// examples makes a key in the console, as a customer does, and reads what its page shows.
async function examples() {
  const c = await context(browser);
  const page = await c.newPage();
  await signIn(page, "owner");
  await page.goto(`${stack().console_url}/accounts/${stack().demo_account}/keys/new`);
  await page.locator("input[name=name]").fill("on a strict page");
  await page.locator("input[name=usage][value=frontend]").check();
  await page.locator("input[name=products][value=map-display]").check();
  await page.locator("textarea[name=domains]").fill("localhost");
  await page.locator("form.wideform button[type=submit]").click();
  await page.waitForSelector("#secret");
  const secret = await page.locator("#secret").textContent();
  const shown = {};
  for (const id of ["fetch", "img", "leaflet", "maplibre"]) shown[id] = await page.locator(`#code-${id}`).textContent();
  c.check();
  await c.close();
  return { shown, secret };
}

// statuses runs an example on a page of a host, and returns the status of each call that it makes to the gate, until some came.
async function statuses(host, policy, code) {
  const page = await browser.newPage();
  const seen = [];
  page.on("response", (answer) => {
    if (answer.url().startsWith(stack().products_url) && answer.request().method() !== "OPTIONS") seen.push(answer.status());
  });
  // What no-cors gets refused never becomes an answer: the browser hides it (ORB).
  page.on("requestfailed", (request) => { if (request.url().startsWith(stack().products_url)) seen.push("failed"); });
  page.on("pageerror", (e) => seen.push(e.message));
  await serve(page);
  try {
    await page.goto(`http://${host}:${port}/?${new URLSearchParams({ policy, code })}`, { waitUntil: "load" });
    for (let i = 0; i < 100 && !seen.length; i++) await page.waitForTimeout(100);
    if (code.startsWith("<!doctype")) await page.waitForTimeout(200); // the rest of a map's tiles
    return [...new Set(seen)];
  } finally {
    await page.close();
  }
}

for (const id of ["fetch", "img", "leaflet", "maplibre"]) {
  test(`the example for ${id} works whatever its page's Referrer-Policy is`, async () => {
    for (const policy of policies) assert.deepEqual(await statuses("localhost", policy, shown[id]), [200], `${id} with the policy "${policy}"`);
    // The same on a page that isn't listed is refused, so it is the page that is looked at.
    assert.deepEqual(await statuses("127.0.0.1", "no-referrer", shown[id]), [403], `${id} on another page`);
  });
}

test("without what the examples add, a strict page's images name no page", async () => {
  const bare = shown.img.replace(" crossorigin", "");
  assert.notEqual(bare, shown.img);
  assert.deepEqual(await statuses("localhost", "no-referrer", bare), ["failed"]);
  assert.deepEqual(await statuses("localhost", "same-origin", bare), ["failed"]);
  assert.deepEqual(await statuses("localhost", "", bare), [200]);
  assert.match(secret, /^ak_/);
});

// Kotlin and Swift don't run here: their examples are read as calls, of an address with headers.
const languages = {
  kotlin: [/URL\("([^"]+)"\)/, /setRequestProperty\("([^"]+)", "([^"]*)"\)/g, "X-Android-Package"],
  swift: [/URL\(string: "([^"]+)"\)/, /setValue\("([^"]*)", forHTTPHeaderField: "([^"]+)"\)/g, "X-Ios-Bundle-Identifier"],
};

test("a key that is for apps has examples for Android and iOS, and the gate allows the calls that they make", async () => {
  const apps = [{ platform: "android", package: "com.example.driver", sha1: "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09" }, { platform: "ios", bundle_id: "com.example.driver" }];
  const key = await keyOf(stack().demo_account, { name: "for apps", usage: "mobile", apps });
  const c = await context(browser);
  const page = await c.newPage();
  await signIn(page, "owner");
  await page.goto(`${stack().console_url}/accounts/${stack().demo_account}/keys/${key.id}`);
  for (const [id, [address, header, names]] of Object.entries(languages)) {
    await page.locator(`label[for=try-${id}]`).click();
    assert.deepEqual(await page.locator(".panel:visible").evaluateAll((all) => all.map((one) => one.id)), [`panel-${id}`], "it alone is shown");
    const code = (await page.locator(`#code-${id}`).innerText()).replaceAll("YOUR_API_KEY", key.secret);
    const headers = Object.fromEntries([...code.matchAll(header)].map(([, a, b]) => (id === "swift" ? [b, a] : [a, b])));
    const status = async (sent) => (await fetch(address.exec(code)[1], { headers: sent })).status;
    assert.equal(await status(headers), 200, code);
    const { [names]: app, ...bare } = headers;
    assert.deepEqual([app, await status(bare)], [id === "swift" ? apps[1].bundle_id : apps[0].package, 403], "it is the app that is looked at");
  }
  c.check();
  await c.close();
});
