import { describeTrainingAttack } from './attackCases.ts';

describeTrainingAttack('wasm');
