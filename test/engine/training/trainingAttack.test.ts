import { describeTrainingAttack } from './attackCases.ts';

describeTrainingAttack(undefined);
