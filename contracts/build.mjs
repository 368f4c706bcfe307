// Compiles Drop.sol with npm's solc. `node build.mjs` writes what the Python package carries; `--check` compiles and
// compares: what is deployed is what this source says.

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);
const solc = require("solc");
const here = import.meta.dirname;
const target = path.join(here, "..", "minting", "drop");
const modules = path.join(here, "node_modules");

const sources = { "Drop.sol": { content: fs.readFileSync(path.join(here, "Drop.sol"), "utf8") } };
const settings = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: "cancun", // what Polygon, Base, Arbitrum, OP and Ethereum all run
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode"] } },
};

/** What `import` names, kept: explorers verify from the whole. */
function taken(name) {
  const file = path.join(modules, name);
  if (!fs.existsSync(file)) return { error: `${file} is not there; npm install --prefix contracts` };
  const contents = fs.readFileSync(file, "utf8");
  sources[name] = { content: contents };
  return { contents };
}

const asked = JSON.stringify({ language: "Solidity", sources: { ...sources }, settings });
const answer = JSON.parse(solc.compile(asked, { import: taken }));
for (const { formattedMessage } of answer.errors ?? []) console.error(formattedMessage);
if (answer.errors?.length) process.exit(1); // a warning, too: there is to be none

const { abi, evm } = answer.contracts["Drop.sol"].Drop;
const built = {
  "Drop.json": {
    contract: "Drop.sol:Drop",
    compiler: solc.version(),
    abi,
    bytecode: `0x${evm.bytecode.object}`,
    runtime: `0x${evm.deployedBytecode.object}`,
    immutables: evm.deployedBytecode.immutableReferences, // where in the runtime code they are written at deployment
  },
  "Drop.input.json": { language: "Solidity", sources: sorted(sources), settings },
};

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort(([one], [other]) => (one < other ? -1 : 1)));
}

for (const [name, content] of Object.entries(built)) {
  const file = path.join(target, name);
  const text = `${JSON.stringify(content, null, 1)}\n`;
  if (!process.argv.includes("--check")) fs.writeFileSync(file, text);
  else if (!fs.existsSync(file) || fs.readFileSync(file, "utf8") !== text) {
    console.error(`${file} is not what Drop.sol compiles to; node contracts/build.mjs`);
    process.exitCode = 1;
  }
}
