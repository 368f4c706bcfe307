// What Slither says of Drop.sol. `node slither.mjs [PROGRAM]` (pip install slither-analyzer; PROGRAM, else "slither")
// feeds it minting/drop/Drop.input.json, which is what explorers verify from, and prints its findings in Drop.sol as JSON:
// check, impact, confidence, function. What it finds in the libraries alone is counted.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const here = import.meta.dirname;
const program = process.argv[2] ?? "slither";
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "drop-slither-"));
try {
  const input = JSON.parse(fs.readFileSync(path.join(here, "..", "minting", "drop", "Drop.input.json"), "utf8"));
  input.settings.outputSelection = { "*": { "": ["ast"], "*": ["abi", "evm.bytecode", "evm.deployedBytecode"] } };
  for (const [name, { content }] of Object.entries(input.sources)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true }); // it wants to see the files, too
    fs.writeFileSync(path.join(folder, name), content);
  }
  fs.writeFileSync(path.join(folder, "Drop.input.json"), JSON.stringify(input));
  const asked = ["Drop.input.json", "--compile-force-framework", "Solc-json", "--solc", path.join(here, "solc.mjs")];
  const done = spawnSync(program, [...asked, "--json", "-", "--fail-none"], { cwd: folder, encoding: "utf8" });
  if (done.error) throw new Error(`${program} does not start: pip install slither-analyzer (${done.error.code})`);
  if (!done.stdout) throw new Error(`${program} said nothing: ${done.stderr}`);
  const { success, error, results } = JSON.parse(done.stdout);
  if (!success) throw new Error(`${program} ended early: ${error}`);
  const found = results.detectors ?? [];
  const ours = found.filter(({ elements }) => elements.some(inDrop));
  const told = ours.map(({ check, impact, confidence, elements }) => ({ check, impact, confidence, where: named(elements) }));
  console.log(JSON.stringify({ findings: told, libraries: found.length - ours.length }, null, 1));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  fs.rmSync(folder, { recursive: true });
}

function inDrop({ source_mapping }) {
  return source_mapping.filename_relative.endsWith("Drop.sol");
}

/** The function or variable that a finding is about. */
function named(elements) {
  const element = elements.find(inDrop);
  return element.type === "node" ? element.type_specific_fields.parent.name : element.name;
}
