import * as tf from '@tensorflow/tfjs-core';

/** What a step takes and gives: `In extends NamedTensors<In>` is a record of tensors and of records of tensors. */
export type NamedTensors<T> = Readonly<Record<keyof T, tf.Tensor | Readonly<Record<string, tf.Tensor>>>>;

type Tree<Leaf> = Leaf | { readonly [name: string]: Tree<Leaf> };

/** The tensors of a tree, depth first in the order of their names, and their dotted names. */
export function flatten(tree: unknown): { names: string[]; tensors: tf.Tensor[] } {
  const names: string[] = [];
  const tensors: tf.Tensor[] = [];
  mapTree(tree, (tensor, name) => {
    names.push(name);
    tensors.push(tensor);
  });
  return { names, tensors };
}

/** The tree with each tensor replaced, depth first. */
export function mapTree<Leaf>(tree: unknown, map: (tensor: tf.Tensor, name: string) => Leaf, name = ''): Tree<Leaf> {
  if (tree instanceof tf.Tensor) return map(tree as tf.Tensor, name);
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
    throw new TypeError(
      `internal: a step's tensors: "${name}" is ${tree === null ? 'null' : typeof tree}, expected tensors in records`,
    );
  }
  // By name: a record's order is an accident of how it was made, and another order would be another graph.
  const sorted = Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = sorted.map(([key, value]): [string, Tree<Leaf>] => [
    key,
    mapTree(value, map, name === '' ? key : `${name}.${key}`),
  ]);
  return Object.fromEntries(entries);
}

/** How to put a flat list back in the form of a tree, without holding its tensors. */
export function formOf(tree: unknown): (flat: readonly tf.Tensor[]) => unknown {
  let count = 0;
  const places = mapTree(tree, () => count++);
  const fill = (place: Tree<number>, flat: readonly tf.Tensor[]): unknown =>
    typeof place === 'number'
      ? flat[place]
      : Object.fromEntries(Object.entries(place).map(([name, value]) => [name, fill(value, flat)]));
  return (flat) => fill(places, flat);
}
