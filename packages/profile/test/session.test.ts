import { describe, expect, test } from 'vitest';
import { InspectorUnavailableError, ProfileError, ProfilerBusyError } from '@hotpath/profile';
import { openSession } from '../dist/session.js';

describe('a session', () => {
  test('answers before post returns', () => {
    using session = openSession('a test');
    expect(session.post('Runtime.evaluate', { expression: '6 * 7' })).toMatchObject({
      result: { value: 42 },
    });
  });

  test('keeps a second activity out, by name, until it is closed', () => {
    const first = openSession('the first');
    expect(() => openSession('the second')).toThrow(ProfilerBusyError);
    expect(() => openSession('the second')).toThrow(
      expect.objectContaining({
        code: 'ERR_HOTPATH_PROFILE_BUSY',
        message: 'the second: this thread is already being profiled, by the first',
      }),
    );
    first.close();
    first.close();
    openSession('the second').close();
  });

  test('closed twice, does not let go of the one that came after', () => {
    const first = openSession('the first');
    first.close();
    using _second = openSession('the second');
    first.close();
    expect(() => openSession('the third')).toThrow(/by the second/);
  });

  test('tells what the inspector refused', () => {
    using session = openSession('a test');
    const refused = (): unknown => session.post('Nothing.atAll');
    expect(refused).toThrow(InspectorUnavailableError);
    expect(refused).toThrow(ProfileError);
    expect(refused).toThrow(
      expect.objectContaining({
        code: 'ERR_HOTPATH_PROFILE_INSPECTOR',
        message: 'the inspector refused Nothing.atAll',
        cause: expect.objectContaining({ code: 'ERR_INSPECTOR_COMMAND' }),
      }),
    );
  });
});
