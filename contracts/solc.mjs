#!/usr/bin/env node
// npm's solc, asked as the solc program is: `--version`, or `--standard-json` with the question on stdin. What a source
// imports and the question does not hold is taken from node_modules. For programs that want a solc, and for tests.

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const solc = createRequire(import.meta.url)("solc");
const modules = path.join(import.meta.dirname, "node_modules");

function taken(name) {
  const file = path.join(modules, name);
  return fs.existsSync(file) ? { contents: fs.readFileSync(file, "utf8") } : { error: `${name} is not in ${modules}` };
}

if (process.argv.includes("--version")) console.log(`npm's solc\nVersion: ${solc.version()}`);
else if (process.argv.includes("--standard-json")) {
  process.stdout.write(solc.compile(fs.readFileSync(0, "utf8"), { import: taken }));
} else {
  console.error("solc.mjs --version | --standard-json");
  process.exitCode = 1;
}
