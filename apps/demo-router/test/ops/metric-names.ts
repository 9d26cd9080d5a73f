const SUFFIX = /_(bucket|sum|count)$/

/** The names of series in PromQL: each word that looks like one of ours. `known`: those that are documented. */
export function seriesNamesIn(
  text: string,
  documented: ReadonlySet<string>,
): { readonly known: ReadonlySet<string>; readonly unknown: readonly string[] } {
  const words = text.match(/(?<![\w:])(?:queue|webhook|target)_[a-z_]+\b(?!:)/g) ?? []
  const names = words.map((word) => (documented.has(word) ? word : word.replace(SUFFIX, '')))
  const unknown = new Set(names.filter((name) => !documented.has(name)))
  return { known: new Set(names.filter((name) => documented.has(name))), unknown: [...unknown] }
}
