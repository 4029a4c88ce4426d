// The plain authorizer in JavaScript. It reads its store with a bare HTTP call instead of AWS's client, which favours it:
// there is nothing to load and nothing to sign.
import { createHash } from "node:crypto";
import { request } from "node:http";

const cache = new Map();

export async function handler(event) {
  const secret = event.queryStringParameters?.key;
  const record = secret ? await find(secret) : null;
  if (!record) throw new Error("Unauthorized");
  if (!event.path.startsWith("/map/") || !record.products.includes("map-display")) {
    return policy(event, "Deny", { code: "product_not_allowed" });
  }
  if (!allowed(event.headers.origin ?? event.headers.referer, record.domains)) {
    return policy(event, "Deny", { code: "domain_not_allowed" });
  }
  return policy(event, "Allow", { keyId: record.keyId, accountId: record.account, product: "map-display" });
}

function allowed(origin, domains) {
  const host = URL.parse ? URL.parse(origin)?.host : new URL(origin).host;
  return domains.some((d) => host === d || (d.startsWith("*.") && host?.endsWith(d.slice(1))));
}

async function find(secret) {
  const hash = createHash("sha256").update(secret).digest("base64url");
  const known = cache.get(hash);
  if (known && performance.now() - known.readAt < 5000) return known;
  const { Item: item } = await getItem({
    TableName: process.env.GATE_TABLE,
    Key: { pk: { S: hash } },
    ConsistentRead: true,
  });
  if (!item) return null;
  const list = (a) => (a?.L ?? []).map((v) => v.S);
  const record = {
    readAt: performance.now(),
    keyId: item.kid.S,
    account: item.acct.S,
    products: list(item.prods),
    domains: list(item.doms),
  };
  cache.set(hash, record);
  return record;
}

function getItem(input) {
  return new Promise((resolve, reject) => {
    const call = request(
      process.env.DYNAMODB_ENDPOINT,
      {
        method: "POST",
        headers: { "x-amz-target": "DynamoDB_20120810.GetItem", "content-type": "application/x-amz-json-1.0" },
      },
      (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => resolve(JSON.parse(Buffer.concat(parts))));
        answer.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end(JSON.stringify(input));
  });
}

function policy(event, effect, context) {
  const stage = event.methodArn.split("/").slice(0, 2).join("/");
  return {
    principalId: "user",
    policyDocument: {
      Version: "2012-10-17",
      Statement: [{ Action: "execute-api:Invoke", Effect: effect, Resource: `${stage}/*` }],
    },
    context,
    usageIdentifierKey: process.env.USAGE_PLAN_KEY,
  };
}
