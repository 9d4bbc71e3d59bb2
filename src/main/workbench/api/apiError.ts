import { CallFailed, type ApiError } from '../../../shared/api/errors.ts';
import { DataError } from '../../data/dataError.ts';
import { EngineError, JobCancelled } from '../../engine/process/client.ts';
import { StoreError } from '../../store/errors.ts';
import { LauncherUnreachable } from '../launch/launcher.ts';
import { BadInput, Interrupted, RunFailed, StudyInterrupted } from '../errors.ts';

/** What went wrong, as the side that asked is told it. What no class of ours says is a defect. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof CallFailed) return { code: error.code, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof BadInput) return { code: 'bad-input', message };
  if (error instanceof StoreError) return { code: storeCode(error), message };
  if (
    error instanceof JobCancelled ||
    error instanceof Interrupted ||
    error instanceof StudyInterrupted ||
    isAbort(error)
  ) {
    return { code: 'cancelled', message };
  }
  if (
    error instanceof DataError ||
    error instanceof EngineError ||
    error instanceof RunFailed ||
    error instanceof LauncherUnreachable
  ) {
    return { code: 'failed', message };
  }
  return { code: 'internal', message: `internal: ${message}` };
}

function storeCode({ code }: StoreError): ApiError['code'] {
  if (code === 'not-found' || code === 'missing-database') return 'not-found';
  return code === 'conflict' || code === 'locked' ? 'conflict' : 'failed';
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';
