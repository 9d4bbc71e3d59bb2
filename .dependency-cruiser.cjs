// The rooms and what each may import (docs/architecture.md). A file outside every room, or an import that
// a room's line below does not name, fails with the sentence given here.
/** @type {Record<string, { folder: string, rooms: string[], packages: string[], node: boolean }>} */
const rooms = {
  shared: { folder: '^src/shared/', rooms: [], packages: ['zod'], node: false },
  math: { folder: '^src/main/math/', rooms: [], packages: [], node: false },
  data: { folder: '^src/main/data/', rooms: ['math', 'shared'], packages: ['@jsquash/jpeg', 'pako'], node: true },
  engine: {
    folder: '^src/main/engine/',
    rooms: ['math', 'data', 'shared'],
    packages: ['@tensorflow/[^/]+', 'node-api-headers', 'webgpu'],
    node: true,
  },
  store: {
    folder: '^src/main/store/',
    rooms: ['shared'],
    packages: ['better-sqlite3', '@types/better-sqlite3'],
    node: true,
  },
  workbench: {
    folder: '^src/main/workbench/',
    rooms: ['shared', 'math', 'data', 'engine', 'store'],
    packages: ['zod', 'canonicalize', 'csv-stringify', '@bufbuild/protobuf', 'fast-png'],
    node: true,
  },
  hosts: {
    folder: '^src/main/hosts/',
    rooms: ['workbench', 'shared'],
    packages: ['commander', 'cli-progress', '@types/cli-progress', 'cli-table3', 'ws', '@types/ws', 'zod', 'electron'],
    node: true,
  },
  preload: { folder: '^src/preload/', rooms: ['shared'], packages: ['electron'], node: false },
  renderer: {
    folder: '^src/renderer/',
    rooms: ['shared'],
    packages: ['zod', 'vue', '@vue/[^/]+', 'pinia', 'vue-router', 'reka-ui', '@lucide/vue', '@tanstack/[^/]+', 'uplot'],
    node: false,
  },
};

const any = (patterns) => `(${patterns.join('|')})`;

const roomRules = Object.entries(rooms).map(([name, room]) => ({
  name: `room-${name}`,
  severity: 'error',
  comment:
    `src/…/${name} may import only: itself` +
    [...room.rooms, ...room.packages].map((r) => `, ${r}`).join('') +
    (room.node ? ', Node' : '') +
    '. Move the code to the room it belongs to, or pass what it needs as an argument.',
  from: { path: room.folder },
  to: {
    pathNot: any([
      room.folder,
      ...room.rooms.map((r) => rooms[r].folder),
      ...room.packages.map((p) => `^node_modules/${p}/`),
      ...(room.node ? ['^(node:)?[a-z_/]+$'] : []),
    ]),
  },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Two files that import each other are one idea cut in the wrong place.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'every-file-has-a-room',
      severity: 'error',
      comment: 'This file lies in no room of docs/architecture.md: put it in one.',
      from: { pathNot: any([...Object.values(rooms).map((r) => r.folder), '^node_modules/', '^[^/]+$', '^node:']) },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.node.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
