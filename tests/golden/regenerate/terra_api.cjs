// Terra's npm SDK as a signer and a verifier: a question on standard input, the answer on standard output.
//
// The SDK offers verifying alone. It computes the true signature to do so, and hands it to `crypto.timingSafeEqual`
// to compare: that is where it is read. Its clock is held at the `now` of the question.
//
// CommonJS, because the SDK's own `require` sees a replaced function of `crypto`, and an `import` would not.
"use strict";

const crypto = require("node:crypto");
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");

const installed = createRequire(join(process.argv[2], "package.json"));
const { verifyTerraWebhookSignature } = installed("terra-api");
const { version } = JSON.parse(readFileSync(join(process.argv[2], "node_modules/terra-api/package.json"), "utf8"));

const bodyOf = ({ body, times }) => Buffer.from(body, "base64").toString("utf8").repeat(times);

async function accepts({ body, times, header, secret }, tolerance) {
  try {
    return (await verifyTerraWebhookSignature(bodyOf({ body, times }), header, secret, { tolerance })) === true;
  } catch (error) {
    if (error.name === "WebhookVerificationError") return false;
    throw error;
  }
}

async function sign({ time, body, times, secret }) {
  const compare = crypto.timingSafeEqual;
  let expected;
  crypto.timingSafeEqual = (computed, claimed) => {
    expected = computed.toString("hex");
    return compare(computed, claimed);
  };
  try {
    const header = `t=${time},v1=${"0".repeat(64)}`;
    if (await accepts({ body, times, header, secret }, Infinity)) throw new Error("zeroes were accepted");
  } finally {
    crypto.timingSafeEqual = compare;
  }
  if (expected === undefined) throw new Error("the SDK compared nothing");
  return expected;
}

async function main() {
  const question = JSON.parse(readFileSync(0, "utf8"));
  Date.now = () => question.now * 1000;
  const answer = { version, signatures: [], accepted: [] };
  for (const one of question.sign ?? []) answer.signatures.push(await sign(one));
  for (const one of question.verify ?? []) answer.accepted.push(await accepts(one, question.tolerance));
  process.stdout.write(JSON.stringify(answer));
}

main();
