// The toy journal on real files, as a program to be killed. argv: directory, seed, fault or nothing.

import { writeSync } from 'node:fs'
import { HoleWorker } from '../io/hole-worker'
import { runToy, type ToyFault, ToyJournal } from './toy-journal.test-helper'
import { toySpace } from './toy-space.test-helper'

const STEPS = 25

const [directory = '', seed, fault] = process.argv.slice(2)
const holes = new HoleWorker()
const journal = await ToyJournal.open(toySpace(directory, holes), fault as ToyFault | undefined)
await runToy(journal, STEPS, Number(seed), ({ phase, slot, value }) => {
  writeSync(1, `${phase} ${slot} ${value}\n`)
})
await journal.close()
await holes.close()
