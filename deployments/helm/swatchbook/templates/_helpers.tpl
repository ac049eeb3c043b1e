{{- define "swatchbook.selector" -}}
app.kubernetes.io/name: swatchbook
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "swatchbook.labels" -}}
{{ include "swatchbook.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "swatchbook.claim" -}}
{{ .Values.persistence.existingClaim | default (printf "%s-files" .Release.Name) }}
{{- end }}

{{- define "swatchbook.prefectUrl" -}}
{{ .Values.prefect.url | default (printf "http://%s-prefect:%v/api" .Release.Name .Values.prefect.port) }}
{{- end }}

{{/* What all pods have: who they are, where they run, their volumes. */}}
{{- define "swatchbook.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: scratch
    emptyDir: {}
  - name: home
    {{- if .Values.persistence.enabled }}
    persistentVolumeClaim: {claimName: {{ include "swatchbook.claim" . }}}
    {{- else }}
    emptyDir: {}
    {{- end }}
  {{- with .Values.modelsClaim }}
  - name: models
    persistentVolumeClaim: {claimName: {{ . }}, readOnly: true}
  {{- end }}
{{- end }}

{{/* What all containers have. */}}
{{- define "swatchbook.container" -}}
image: {{ printf "%s:%s" .Values.image.repository .Values.image.tag | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "swatchbook.mounts" -}}
volumeMounts:
  - {name: scratch, mountPath: /tmp}
  - {name: home, mountPath: /var/lib/swatchbook}
  {{- if .Values.modelsClaim }}
  - {name: models, mountPath: /var/lib/models, readOnly: true}
  {{- end }}
{{- end }}

{{/* One variable from a key of the release's Secret. */}}
{{- define "swatchbook.secret" -}}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ .root.Values.existingSecret }}, key: {{ .key }}}}
{{- end }}

{{/* The environment of service, worker and setup; the worker passes it on to the runs that it starts. */}}
{{- define "swatchbook.environment" -}}
- {name: PREFECT_API_URL, value: {{ include "swatchbook.prefectUrl" . | quote }}}
{{ include "swatchbook.secret" (dict "root" . "name" "PREFECT_API_AUTH_STRING" "key" "prefect-auth") }}
{{ include "swatchbook.secret" (dict "root" . "name" "SWATCHBOOK_LEDGER_URL" "key" "ledger-url") }}
{{- if eq (get .Values.settings "INDEX") "weaviate" }}
{{ include "swatchbook.secret" (dict "root" . "name" "SWATCHBOOK_WEAVIATE__API_KEY" "key" "weaviate-key") }}
{{- end }}
{{- range $name, $value := .Values.settings }}
- {name: SWATCHBOOK_{{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- range $name, $from := .Values.secretSettings }}
- name: SWATCHBOOK_{{ $name }}
  valueFrom: {secretKeyRef: {name: {{ $from.name }}, key: {{ $from.key }}}}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
