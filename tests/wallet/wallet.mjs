// What an ordinary JavaScript wallet does on an Assay chain: connect, read what a model costs, ask
// for a run, and follow it by the events. It uses the names that the chain promises to keep and
// nothing of this repository. Usage: node wallet.mjs [URL]

import assert from "node:assert/strict";
import { ApiPromise, Keyring, WsProvider } from "@polkadot/api";
import { encodeAddress } from "@polkadot/util-crypto";

const url = process.argv[2] ?? "ws://127.0.0.1:9944";
const MAX_SECONDS = 180;
const say = (text) => console.log(`wallet: ${text}`);
const timer = setTimeout(() => {
  console.error(`wallet: not done within ${MAX_SECONDS} s`);
  process.exit(1);
}, MAX_SECONDS * 1000);

const api = await ApiPromise.create({ provider: new WsProvider(url, 1000, {}, 10_000), noInitWarn: true });
const prefix = api.consts.system.ss58Prefix.toNumber();
const { ss58Format, tokenSymbol, tokenDecimals } = await api.rpc.system.properties();
assert.equal(ss58Format.unwrap().toNumber(), prefix, "the chain's properties and its runtime agree");
assert.deepEqual(tokenSymbol.unwrap().map(String), ["ASY"]);
assert.deepEqual(tokenDecimals.unwrap().map(Number), [12]);
say(`${await api.rpc.system.chain()}: addresses under ${prefix}`);

const charlie = new Keyring({ type: "sr25519", ss58Format: prefix }).addFromUri("//Charlie");
assert.equal(charlie.address, encodeAddress(charlie.publicKey, prefix));

// Signs, sends, and waits until it is in a block; answers the block's events of this transaction.
const send = (call, options = {}) =>
  new Promise((resolve, reject) => {
    call
      .signAndSend(charlie, options, ({ status, events, dispatchError }) => {
        if (dispatchError?.isModule) {
          const { section, name } = api.registry.findMetaError(dispatchError.asModule);
          reject(new Error(`${section}.${name}`));
        } else if (dispatchError) reject(new Error(dispatchError.toString()));
        else if (status.isInBlock) resolve({ block: status.asInBlock, events: events.map(({ event }) => event) });
        else if (status.isInvalid || status.isDropped || status.isUsurped) reject(new Error(status.toString()));
      })
      .catch(reject);
  });

// Money, in an envelope: a wallet's everyday batch.
const transfer = api.tx.balances.transferKeepAlive(charlie.address, 1);
await send(api.tx.utility.batchAll([transfer, transfer]));
say("sent a batch of transfers");

// Which models are there, and what is the least fee for each?
const text = (bytes) => Buffer.from(bytes.toU8a(true)).toString();
const models = await api.query.models.models.entries();
assert.ok(models.length > 0, "the chain has models: scripts/devnet publishes some");
let chosen;
for (const [key, record] of models) {
  const id = key.args[0];
  const info = record.unwrap().info;
  const { name, version } = (await api.query.models.metadata(id)).unwrap();
  const least =
    api.consts.jobs.feeBase.toBigInt() + api.consts.jobs.feePerUnit.toBigInt() * info.units.toBigInt();
  say(`${text(name)} ${text(version)}: input of ${info.inputLen} bytes, least fee ${least}`);
  const length = info.inputLen.toNumber();
  if (info.active.isTrue && (!chosen || length < chosen.length)) chosen = { id, length, least };
}
assert.ok(chosen, "one of the models takes jobs");

// Ask for a run: refused below the least fee, taken at it.
const input = "0x" + "00".repeat(chosen.length);
const request = (fee) => api.tx.jobs.request(chosen.id, input, fee, null);
await assert.rejects(send(request(chosen.least - 1n)), /FeeTooSmall/);
const { block, events } = await send(request(chosen.least));
const requested = events.find((event) => api.events.jobs.Requested.is(event));
const { job, requester, fee } = requested.data;
assert.equal(requester.toString(), charlie.address);
assert.equal(fee.toBigInt(), chosen.least);
say(`job ${job} requested in block ${block.toHex().slice(0, 10)}`);

// Follow the job to its end by events.
await new Promise((resolve) => {
  const seen = new Set();
  api.query.system.events((records) => {
    for (const { event } of records) {
      for (const name of ["Claimed", "Finalized"]) {
        if (api.events.jobs[name].is(event) && event.data.job.eq(job) && !seen.has(name)) {
          seen.add(name);
          say(`${name} by ${event.data.operator}: ${event.data.outputRoot.toHex().slice(0, 12)}…`);
        }
      }
      if (seen.has("Finalized")) resolve();
    }
  });
});
clearTimeout(timer);
say("done");
await api.disconnect();
process.exit(0);
