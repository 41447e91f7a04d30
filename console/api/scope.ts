/** The scope that a token needs for the API; one without limits, such as an agent's, does not have it. */
export const apiScope = 'holdpoint:api';
