export const DATABASE_NAME = 'workbench.sqlite';
