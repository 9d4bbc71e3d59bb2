import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What a one-machine Slurm needs; /usr/sbin is not on every user's path. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
const PROGRAMS = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scontrol', 'scancel'];

/** Why there can be no cluster here; null where there can. */
export function whyNoSlurm(): string | null {
  const missing = PROGRAMS.filter((name) => !PATH.split(':').some((folder) => existsSync(join(folder, name))));
  if (missing.length > 0) return `${missing.join(', ')} not found; install them with: apt-get install slurm-wlm munge`;
  return process.getuid?.() === 0 ? null : 'slurmd has to be started by root';
}

/** A Slurm of its own, with its ports, folders and key: a controller and one node, both this machine. */
export interface Cluster {
  readonly folder: string;
  /** What commands of Slurm need to find it. */
  readonly environment: NodeJS.ProcessEnv;
  command(name: string, ...args: string[]): string;
  stopController(): Promise<void>;
  startController(): Promise<void>;
  close(): Promise<void>;
}

export interface ClusterOptions {
  readonly maxArraySize?: number;
}

export async function startCluster({ maxArraySize = 1001 }: ClusterOptions = {}): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'ptw-slurm-'));
  chmodSync(folder, 0o755);
  for (const name of ['munge', 'state', 'spool', 'log']) mkdirSync(join(folder, name), { mode: 0o700 });
  writeFileSync(join(folder, 'munge/key'), randomBytes(1024), { mode: 0o600 });
  const [controllerPort, nodePort] = [await freePort(), await freePort()];
  const file = join(folder, 'slurm.conf');
  writeFileSync(file, configuration({ folder, controllerPort, nodePort, maxArraySize }));
  const environment = { ...process.env, PATH, SLURM_CONF: file };
  const command = (name: string, ...args: string[]): string =>
    execFileSync(name, args, { env: environment, encoding: 'utf8' });
  const pidOf = (name: string): number | null => {
    const path = join(folder, name);
    return existsSync(path) ? Number(readFileSync(path, 'utf8')) : null;
  };
  const stop = async (name: string): Promise<void> => {
    const pid = pidOf(name);
    if (pid === null) return;
    for (let i = 0; i < 100 && kill(pid, i < 80 ? 'SIGTERM' : 'SIGKILL'); i++) await delay(100);
  };
  const munge = ['key', 'socket', 'pid', 'log', 'seed'].map((name) => {
    const option = name === 'socket' ? 'socket' : `${name}-file`;
    return `--${option}=${join(folder, 'munge', name)}`;
  });
  command('munged', '--force', ...munge);
  const cluster: Cluster = {
    folder,
    environment,
    command,
    stopController: () => stop('slurmctld.pid'),
    async startController() {
      command('slurmctld');
      await until(() => spawnSync('scontrol', ['ping'], { env: environment, encoding: 'utf8' }).stdout.includes('UP'));
    },
    async close() {
      spawnSync('scancel', ['--user=root'], { env: environment });
      for (const name of ['slurmctld.pid', 'slurmd.pid', 'munge/pid']) await stop(name);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  await cluster.startController();
  command('slurmd', '-N', 'localhost');
  await until(() => command('sinfo', '-h', '-o', '%T').includes('idle'));
  return cluster;
}

function configuration(of: {
  readonly folder: string;
  readonly controllerPort: number;
  readonly nodePort: number;
  readonly maxArraySize: number;
}): string {
  const { folder, controllerPort, nodePort, maxArraySize } = of;
  return `ClusterName=ptwtest
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=${controllerPort}
SlurmdPort=${nodePort}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A job that is queued again waits for its old credential to expire: two minutes by default, five seconds at least.
AuthInfo=socket=${folder}/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/log/slurmctld.log
SlurmdLogFile=${folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0
KillWait=2
OverTimeLimit=0
MinJobAge=30
MaxArraySize=${maxArraySize}
NodeName=localhost NodeAddr=127.0.0.1 CPUs=2
PartitionName=test Nodes=localhost Default=YES MaxTime=INFINITE State=UP
`;
}

/** Whether the process is still there. */
function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve((address as { port: number }).port));
    });
  });
}

/** @throws Error when it does not come true within the seconds */
export async function until(isTrue: () => boolean, seconds = 60): Promise<void> {
  const end = performance.now() + seconds * 1e3;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`it did not come true within ${seconds} s: ${String(isTrue)}`);
    await delay(100);
  }
}
