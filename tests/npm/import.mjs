// Imports folders with js-ipfs-unixfs, which kubo and Helia are held against, too. Arguments: a JSON file with a list of
// {folder, profile, shardAbove?, chunkSize?, width?}; prints a JSON list of {cid, files: {path: cid}, blocks}.
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BlackHoleBlockstore } from 'blockstore-core'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'

const PROFILES = {
  'unixfs-v1-2025': { profile: 'unixfs-v1-2025' },
  'unixfs-v0-2015': { profile: 'unixfs-v0-2015' },
  'kubo --cid-version=1': {
    cidVersion: 1,
    rawLeaves: true,
    chunker: fixedSize({ chunkSize: 262144 }),
    layout: balanced({ maxChildrenPerNode: 174 }),
    shardSplitStrategy: 'links-bytes'
  }
}

class Counting extends BlackHoleBlockstore {
  seen = new Set()

  put (cid, block, options) {
    this.seen.add(cid.toString())
    return super.put(cid, block, options)
  }
}

function * entries (folder, path) {
  const names = readdirSync(folder)
  if (names.length === 0) yield { path }
  for (const name of names) {
    const file = join(folder, name)
    if (statSync(file).isDirectory()) yield * entries(file, `${path}/${name}`)
    else yield { path: `${path}/${name}`, content: createReadStream(file) }
  }
}

const told = []
for (const { folder, profile, shardAbove, chunkSize, width } of JSON.parse(readFileSync(process.argv[2]))) {
  const blocks = new Counting()
  const files = {}
  const options = { ...PROFILES[profile] }
  if (shardAbove !== undefined) options.shardSplitThresholdBytes = shardAbove
  if (chunkSize !== undefined) options.chunker = fixedSize({ chunkSize })
  if (width !== undefined) options.layout = balanced({ maxChildrenPerNode: width })
  for await (const { path, cid } of importer(entries(folder, 'root'), blocks, options)) {
    files[path.split('/').slice(1).join('/') || '.'] = cid.toString()
  }
  told.push({ cid: files['.'], files, blocks: blocks.seen.size })
}
console.log(JSON.stringify(told))
