import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import vue from 'eslint-plugin-vue';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'node_modules/',
      'dist/',
      'coverage/',
      'test/fixtures/',
      'src/main/workbench/export/onnx/onnx_pb.*',
      // AssemblyScript, which its own compiler checks.
      'src/main/math/kernel/assembly/**',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.vue'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.node.json', './tsconfig.e2e.json', './tsconfig.renderer.json', './tsconfig.preload.json'],
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.vue'],
      },
    },
    rules: {
      // Numbers in messages are the rule here, not a mistake.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Indexing is checked by bounds in the loops; an assertion says so where the compiler cannot see it.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/prefer-for-of': 'off',
      // Loops that end by return or break.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // Unused names are the compiler's business (noUnusedLocals); underscores mark them.
      '@typescript-eslint/no-unused-vars': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  // Behind the TypeScript rules, so that its parser reads .vue files and theirs what is in them.
  ...vue.configs['flat/recommended'].map((config) => ({ ...config, files: ['src/renderer/**/*.vue'] })),
  {
    files: ['src/renderer/**/*.vue'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      // The compiler of types sees to undefined names and to props without a default.
      'no-undef': 'off',
      'vue/require-default-prop': 'off',
      // Props are taken apart with their defaults, which the rule takes for useless.
      '@typescript-eslint/no-useless-default-assignment': 'off',
      // uPlot has constant enums, which are numbers by the time anybody can name them.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      // Parts of a view are handed its state as refs, which they set; the props themselves stay.
      'vue/no-mutating-props': 'off',
      // A control's name is its file's: Dialog, Menu, Chart.
      'vue/multi-word-component-names': 'off',
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      // What a page shows is text, never markup that came from somewhere.
      'vue/no-v-html': 'error',
    },
  },
  { files: ['scripts/**', 'bench/**', 'bin/**'], rules: { 'no-console': 'off' } },
  {
    files: ['**/*.{mjs,js,cjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', module: 'writable', URL: 'readonly' } },
  },
  prettier,
);
