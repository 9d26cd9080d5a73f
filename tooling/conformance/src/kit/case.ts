/** One promise of a contract. `run` rejects where it is broken. */
export interface Case<Bench, Mutant extends string = string, Feature extends string = string> {
  /** A sentence about what is promised. No two cases of a kit have the same. */
  readonly name: string
  /** Its numbers in the requirements, or its section in the protocol. */
  readonly requirement: string
  /** The broken implementations that it must catch. */
  readonly catches: readonly [Mutant, ...Mutant[]]
  /** What it cannot be run without. A subject that lacks one of these skips it. */
  readonly needs?: readonly Feature[]
  run(bench: Bench): Promise<void>
}

/** One contract as data. `Setup` is what a subject provides, `Bench` what a case works with. */
export interface Kit<
  Setup extends { close(): Promise<void> },
  Bench extends { close(): Promise<void> },
  Mutant extends string = string,
  Feature extends string = string,
> {
  /** The contract, as reports call it. */
  readonly name: string
  readonly cases: readonly Case<Bench, Mutant, Feature>[]
  /**
   * Every feature that a subject may lack, with a look at the bench that tells whether it is there: nobody skips a case for
   * the lack of what he has. Null where it cannot be told from outside.
   */
  readonly features: Readonly<Record<Feature, ((bench: Bench) => boolean | Promise<boolean>) | null>>
  /** Broken implementations, each made of a sound one by one fault that was seen in the wild or is easily made. */
  readonly mutants: Readonly<Record<Mutant, (setup: Setup) => Setup>>
  /** Makes the bench of one case. Closing it clears away what the case left behind, and not the setup. */
  bench(setup: Setup): Bench
}

/** An implementation of a contract, and how a case gets at it. */
export interface Subject<Setup, Feature extends string = string> {
  readonly name: string
  /** For each feature of the kit: true, or in a sentence why it is not there. */
  readonly features: Readonly<Record<Feature, true | string>>
  /** Cases that it does not run, by name, each with the reason. */
  readonly skips?: Readonly<Record<string, string>>
  /** Whatever one case needs, fresh for it. The kit closes it. */
  setUp(): Setup | Promise<Setup>
}
