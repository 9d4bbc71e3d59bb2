import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router';

/** A view's own file is fetched when it is first opened. */
const routes: readonly RouteRecordRaw[] = [
  { path: '/', redirect: '/runs' },
  {
    path: '/experiments',
    name: 'experiments',
    component: () => import('../experiments/ExperimentsView.vue'),
    meta: { title: 'Experiments' },
  },
  { path: '/queue', name: 'queue', component: () => import('../queue/QueueView.vue'), meta: { title: 'Queue' } },
  { path: '/runs', name: 'runs', component: () => import('../runs/RunsView.vue'), meta: { title: 'Runs' } },
  { path: '/runs/:run(\\d+)', name: 'run', component: () => import('../run/RunView.vue'), meta: { title: 'Run' } },
  {
    path: '/runs/:run(\\d+)/certificates',
    name: 'certificates',
    component: () => import('../certificates/CertificatesView.vue'),
    meta: { title: 'Certificates' },
  },
  {
    path: '/runs/:run(\\d+)/certificates/:domain(source|target)/:index(\\d+)',
    name: 'certificate',
    component: () => import('../certificates/CertificateView.vue'),
    meta: { title: 'Certificate' },
  },
  {
    path: '/compare',
    name: 'compare',
    component: () => import('../compare/CompareView.vue'),
    meta: { title: 'Compare' },
  },
  {
    path: '/studies',
    name: 'studies',
    component: () => import('../studies/StudiesView.vue'),
    meta: { title: 'Studies' },
  },
  {
    path: '/studies/:study(\\d+)',
    name: 'study',
    component: () => import('../studies/StudyView.vue'),
    meta: { title: 'Study' },
  },
  { path: '/data', name: 'data', component: () => import('../data/DataView.vue'), meta: { title: 'Data sets' } },
  { path: '/engine', name: 'engine', component: () => import('../engine/EngineView.vue'), meta: { title: 'Engine' } },
  {
    path: '/:anything(.*)*',
    name: 'nowhere',
    component: () => import('./NowhereView.vue'),
    meta: { title: 'Nothing here' },
  },
];

export const router = createRouter({ history: createWebHistory(), routes: [...routes] });

router.afterEach((to) => {
  const title = typeof to.meta['title'] === 'string' ? to.meta['title'] : '';
  const run = typeof to.params['run'] === 'string' ? ` ${to.params['run']}` : '';
  document.title = `${title}${run} · Provable Transfer Workbench`;
});
