export { useEngineSpawner, type EngineProcess } from '../../engine/process/engineProcess.ts';
