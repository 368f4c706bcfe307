// OpenZeppelin's trees. Argument: a JSON file with a list of {types, values, dump}, numbers as text; prints a JSON list of
// {root, proofs, dump} by the library, and what becomes of the dump that is given: {loaded: root, rendered}.
import { readFileSync } from 'node:fs'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'

const told = []
for (const { types, values, dump } of JSON.parse(readFileSync(process.argv[2]))) {
  const tree = StandardMerkleTree.of(values, types)
  const loaded = StandardMerkleTree.load(dump) // throws where anything in it does not fit
  told.push({
    root: tree.root,
    proofs: values.map((value, index) => tree.getProof(index)),
    dump: tree.dump(),
    loaded: loaded.root,
    rendered: tree.render() === loaded.render()
  })
}
console.log(JSON.stringify(told))
